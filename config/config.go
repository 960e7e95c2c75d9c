package config

import (
	"net/netip"
	"time"
)

// The tags: key is the name in YAML; default is the value of an absent key, as
// text; credential is the systemd credential that fills an empty *_file key.
// The doc comments below become config/example.yaml (go test ./config -update).

// Config is everything that an operator decides. Default gives the values of
// an empty file; Load reads a real one.
type Config struct {
	// The issuer: the public https address of this service, scheme, host and
	// port alone, such as https://sso.example.gov.cn. Relying parties compare it
	// byte by byte, so it must never change. http is accepted for a loopback
	// address only.
	Issuer string `key:"issuer"`

	// Where and how the service listens.
	Listen Listen `key:"listen"`

	// The database: PostgreSQL in production, embedded SQLite for one process.
	Database Database `key:"database"`

	// The key that seals everything, and the life of signing keys.
	Keys Keys `key:"keys"`

	// How long codes and tokens live.
	Tokens Tokens `key:"tokens"`

	// Parts of the protocol that not every deployment wants.
	Protocol Protocol `key:"protocol"`

	// How long a signed-in browser stays signed in.
	Sessions Sessions `key:"sessions"`

	// The cost of password hashing and the limits against guessing.
	Passwords Passwords `key:"passwords"`

	// What users read about this platform on every page.
	Platform Platform `key:"platform"`

	// Traces by OpenTelemetry.
	Telemetry Telemetry `key:"telemetry"`

	// The log on standard error.
	Log Log `key:"log"`

	// What concerns registered systems as a whole.
	Clients Clients `key:"clients"`

	// The audit trail.
	Audit Audit `key:"audit"`

	// The review desk.
	Admin Admin `key:"admin"`

	// Documents that people upload as evidence.
	Documents Documents `key:"documents"`

	// Text messages and e-mail.
	Notify Notify `key:"notify"`

	// Real-name verification.
	RealName RealName `key:"realname"`

	// How long accounts and what belongs to them are kept.
	Retention Retention `key:"retention"`

	// The accounts that come from the former platform.
	Torch Torch `key:"torch"`

	// Registration by people themselves.
	SignUp SignUp `key:"signup"`

	// Clients and accounts for a certification run.
	Fixture Fixture `key:"fixture"`

	// Debug shows causes of failures to the browser. The service refuses to
	// start with it unless the issuer is a loopback address.
	Debug bool `key:"debug" default:"false"`
}

// Listen says where the service listens, and its limits towards slow peers.
type Listen struct {
	// Public listener, host:port; an empty host means all addresses. Without a
	// certificate below it must be loopback, or stand behind trusted_proxies.
	Address string `key:"address" default:":8443"`

	// Listener for metrics and health (/metrics, /healthz, /readyz), host:port;
	// never reachable from outside.
	InternalAddress string `key:"internal_address" default:"127.0.0.1:9090"`

	// TLS on the public listener (TLS 1.2 and 1.3).
	TLS TLS `key:"tls"`

	// Clients that prove themselves by a TLS certificate (RFC 8705).
	MTLS MTLS `key:"mtls"`

	// Networks (CIDR) of the proxies in front, whose X-Forwarded-For is believed;
	// in the environment separated by commas.
	TrustedProxies []netip.Prefix `key:"trusted_proxies"`

	// Longest time to receive a request's header.
	ReadHeaderTimeout time.Duration `key:"read_header_timeout" default:"5s"`

	// Longest time to receive a whole request.
	ReadTimeout time.Duration `key:"read_timeout" default:"15s"`

	// Longest time to answer a request.
	WriteTimeout time.Duration `key:"write_timeout" default:"30s"`

	// Longest rest of a kept-alive connection between requests.
	IdleTimeout time.Duration `key:"idle_timeout" default:"2m"`

	// How long the service still takes requests when it stops, while /readyz says
	// that it is not ready, so that balancers look elsewhere first; at most 15s. It
	// counts towards shutdown_timeout. 0s is for a service without a balancer.
	DrainDelay time.Duration `key:"drain_delay" default:"3s"`

	// Longest time that requests under way get when the service stops; sending the
	// last traces may take five seconds more.
	ShutdownTimeout time.Duration `key:"shutdown_timeout" default:"15s"`

	// Connections on the public listener at once; more wait to be accepted.
	MaxConnections int `key:"max_connections" default:"10000"`
}

// TLS names the certificate of the public listener. Both files or neither.
type TLS struct {
	// Certificate chain, PEM.
	CertFile string `key:"cert_file"`

	// Private key of the certificate, PEM, not readable by the world.
	KeyFile string `key:"key_file" credential:"tls_key"`

	// How often the two files are looked at for a renewed certificate.
	ReloadInterval time.Duration `key:"reload_interval" default:"1m"`
}

// Enabled tells whether the public listener speaks TLS itself.
func (t TLS) Enabled() bool { return t.CertFile != "" }

// MTLS says where certificates of clients come from: a listener of our own, or
// the proxies in front. Without either, no system can use them.
type MTLS struct {
	// Listener for systems with certificates, host:port; empty opens none. It
	// serves the direct endpoints alone, so that browsers are never asked for a
	// certificate.
	Address string `key:"address"`

	// Certificate chain of that listener, PEM; empty takes the pair of listen.tls.
	CertFile string `key:"cert_file"`

	// Private key of the certificate, PEM, not readable by the world.
	KeyFile string `key:"key_file" credential:"mtls_key"`

	// Public https address of the endpoints that ask for certificates, scheme,
	// host and port alone; discovery gives it as mtls_endpoint_aliases. Empty if the
	// issuer's own address does.
	PublicURL string `key:"public_url"`

	// Header in which the proxies of trusted_proxies hand over the certificate of
	// the TLS handshake, such as Client-Cert; they must remove it from what clients
	// send. It is ignored from anybody else. Empty reads none.
	ProxyHeader string `key:"proxy_header"`

	// How the header is written: rfc9440 (Client-Cert), or pem, percent-encoded, as
	// in nginx's $ssl_client_escaped_cert.
	ProxyHeaderForm string `key:"proxy_header_form" default:"rfc9440"`

	// File with the authorities (PEM) that issue certificates for tls_client_auth;
	// empty offers self_signed_tls_client_auth and bound tokens alone.
	ClientCAFile string `key:"client_ca_file"`
}

// Pair is the certificate that the listener shows.
func (l Listen) Pair() TLS {
	if l.MTLS.CertFile == "" {
		return l.TLS
	}
	return TLS{CertFile: l.MTLS.CertFile, KeyFile: l.MTLS.KeyFile, ReloadInterval: l.TLS.ReloadInterval}
}

// Enabled tells whether certificates can arrive at all.
func (m MTLS) Enabled() bool { return m.Address != "" || m.ProxyHeader != "" }

// Database says where the data lives.
type Database struct {
	// postgres or sqlite.
	Driver string `key:"driver" default:"postgres"`

	// File that holds the PostgreSQL address,
	// postgres://user:password@host:5432/database?sslmode=verify-full, readable
	// by its owner alone. To migrate with another role than the service's, run
	// "migrate" with another file here.
	DSNFile string `key:"dsn_file" credential:"database_dsn"`

	// DSN is the content of DSNFile, trimmed.
	DSN Secret `key:"-"`

	// SQLite's database file. One process at a time may use it.
	Path string `key:"path"`

	// PostgreSQL connections open at once, of this process.
	MaxOpen int `key:"max_open" default:"32"`

	// PostgreSQL connections kept open while idle.
	MaxIdle int `key:"max_idle" default:"32"`

	// Life of a PostgreSQL connection, after which it is opened anew.
	ConnMaxLifetime time.Duration `key:"conn_max_lifetime" default:"30m"`

	// Longest time of one statement.
	StatementTimeout time.Duration `key:"statement_timeout" default:"5s"`
}

// Keys names the root key and sets the rotation of signing keys.
type Keys struct {
	// File that holds the root key: 32 random bytes in base64 or hex, readable by
	// its owner alone. Every sealed column, token and signing key depends on it:
	// keep a copy apart from the database's. Make it with
	// "kejitong keys root --out FILE".
	RootKeyFile string `key:"root_key_file" credential:"root_key"`

	// RootKey is the key itself, exactly 32 bytes.
	RootKey Secret `key:"-"`

	// Age at which the next signing key takes over.
	RotateAfter time.Duration `key:"rotate_after" default:"90d"`

	// How long a replaced signing key stays published; it must outlive every
	// token and every relying party's cache. An id_token_hint that it signed is
	// understood for 400 days.
	RetireAfter time.Duration `key:"retire_after" default:"7d"`
}

// Tokens sets the lives of codes and tokens.
type Tokens struct {
	// Authorization code; at most 60s.
	CodeTTL time.Duration `key:"code_ttl" default:"60s"`

	// Access token; at most 10m, since grants may end at any moment.
	AccessTTL time.Duration `key:"access_ttl" default:"10m"`

	// ID token; at most 1h.
	IDTokenTTL time.Duration `key:"id_token_ttl" default:"10m"`

	// Refresh token that is not used.
	RefreshIdle time.Duration `key:"refresh_idle" default:"7d"`

	// Refresh tokens of one sign-in altogether, however often rotated.
	RefreshAbsolute time.Duration `key:"refresh_absolute" default:"30d"`

	// For how long a refresh token that was just spent answers with the same
	// successor again, so that a lost answer loses nobody; at most 60s.
	RefreshGrace time.Duration `key:"refresh_grace" default:"10s"`

	// Pushed authorization request, from push to first visit; 5s to 10m.
	PARTTL time.Duration `key:"par_ttl" default:"90s"`

	// Difference of clocks accepted in assertions of clients; at most 60s.
	ClockSkew time.Duration `key:"clock_skew" default:"10s"`
}

// Protocol switches parts of the protocol. What is off is refused, and the
// discovery document does not list it.
type Protocol struct {
	// Implicit and hybrid response types, for systems that register them. They
	// hand tokens to the browser; new systems should not want them.
	FrontChannelTokens bool `key:"front_channel_tokens" default:"false"`

	// Registration of systems over HTTP (RFC 7591, RFC 7592), by initial access
	// token alone.
	Registration bool `key:"registration" default:"true"`

	// Sign-in of devices without a browser (RFC 8628).
	DeviceGrant bool `key:"device_grant" default:"true"`

	// Token exchange (RFC 8693): a system's backend acts for who signed in.
	TokenExchange bool `key:"token_exchange" default:"true"`

	// Grants by a JWT that a system signed (RFC 7523 section 2.1).
	JWTBearerGrant bool `key:"jwt_bearer_grant" default:"false"`

	// Session Management 1.0: an iframe that tells whether the user is still
	// signed in. It needs a cookie that scripts can read.
	SessionManagement bool `key:"session_management" default:"true"`

	// DPoP proofs must carry a nonce of this service (RFC 9449 section 8). It costs
	// clients a second request now and then, and helps those whose clocks are wrong.
	DPoPNonce bool `key:"dpop_nonce" default:"false"`

	// Accept authorization requests only when the system itself pushed them
	// first (RFC 9126). A single system can be held to it by its registration.
	RequirePAR bool `key:"require_par" default:"false"`
}

// Sessions sets the lives of a signed-in browser.
type Sessions struct {
	// Without any request; at most 1h.
	Idle time.Duration `key:"idle" default:"30m"`

	// From sign-in on, whatever happens; at most 24h.
	Absolute time.Duration `key:"absolute" default:"12h"`

	// An authorization request that waits for its user; at most 1h.
	InteractionTTL time.Duration `key:"interaction_ttl" default:"30m"`
}

// Passwords sets the cost of argon2id and the limits against guessing.
type Passwords struct {
	// Memory of one hash in KiB; at least 19456 (19 MiB).
	Argon2MemoryKiB int `key:"argon2_memory_kib" default:"19456"`

	// Passes over the memory; at least 2.
	Argon2Time int `key:"argon2_time" default:"2"`

	// Lanes; 1 to 16.
	Argon2Parallelism int `key:"argon2_parallelism" default:"1"`

	// Hashes computed at once; 0 means one per core.
	Concurrency int `key:"concurrency" default:"0"`

	// Sign-ins that may wait for a hash; more are asked to come again.
	Queue int `key:"queue" default:"64"`

	// Every refusal takes at least this long, whatever was wrong; at most 5s.
	FailureFloor time.Duration `key:"failure_floor" default:"120ms"`

	// Failures of one login name from one address that lock the pair; 3 to 10.
	PerPairLimit int `key:"per_pair_limit" default:"5"`

	// How long such a pair stays locked; 1m to 24h.
	LockFor time.Duration `key:"lock_for" default:"15m"`

	// Failures of one account without a success after which its password alone no
	// longer suffices; 10 to 100.
	AccountLimit int `key:"account_limit" default:"100"`
}

// Platform is what users read about the platform.
type Platform struct {
	// Name on Chinese pages.
	NameZH string `key:"name_zh" default:"科技政务服务平台"`

	// Name on English pages.
	NameEN string `key:"name_en" default:"Science & Technology Government Services"`

	// Telephone of the support desk, shown on every page; put it in quotes.
	SupportPhone string `key:"support_phone" default:"010-88659000"`

	// Hours of the support desk as users shall read them; if empty, pages show the
	// usual office hours.
	SupportHours string `key:"support_hours"`

	// Address of the users' manual, https; if empty, pages link to the built-in one
	// (/help).
	ManualURL string `key:"manual_url"`
}

// Telemetry sends traces to a collector.
type Telemetry struct {
	// OTLP/HTTP collector, such as http://127.0.0.1:4318; empty sends none.
	OTLPEndpoint string `key:"otlp_endpoint"`

	// Share of requests that are traced, 0 to 1.
	SampleRatio float64 `key:"sample_ratio" default:"0.01"`
}

// Log shapes the log.
type Log struct {
	// debug, info, warn or error.
	Level string `key:"level" default:"info"`

	// json or text.
	Format string `key:"format" default:"json"`

	// One line per request.
	Access bool `key:"access" default:"true"`
}

// Clients concerns registered systems as a whole.
type Clients struct {
	// Private addresses that the service may call at systems (key sets,
	// back-channel logout), each host:port; in the environment separated by
	// commas. Every other call goes to public addresses on port 443 only.
	OutboundAllow []string `key:"outbound_allow"`

	// YAML or JSON document like config/statements.example.yaml: publishers whose
	// software statements are believed when systems register themselves. Empty
	// believes none.
	StatementIssuersFile string `key:"statement_issuers_file"`

	// Domain of the e-mail addresses that stand in for missing ones, for systems
	// that cannot do without and are registered so (client add
	// --substitute-email). Choose one that takes no mail. Empty: none stand in.
	SubstituteEmailDomain string `key:"substitute_email_domain"`

	// Whether such an address is called verified. Only if the domain above is your
	// own: some systems refuse addresses that are not, and all trust one that is.
	SubstituteEmailVerified bool `key:"substitute_email_verified" default:"false"`
}

// Audit concerns the audit trail.
type Audit struct {
	// Age up to which "kejitong audit prune" keeps audit records; at least 180d.
	Retention time.Duration `key:"retention" default:"1095d"`

	// File to which the end of the audit chain is appended every minute, for
	// "kejitong audit verify". It belongs where whoever writes to the database
	// cannot: on another host, on write-once media. Empty: none.
	CheckpointFile string `key:"checkpoint_file"`
}

// Fixture loads clients, an initial access token and accounts at every start, for
// a run of the OpenID certification suite.
type Fixture struct {
	// Whether the file below is loaded. Whoever knows the file can sign in with its
	// accounts: never on a service that real users have.
	Enabled bool `key:"enabled" default:"false"`

	// YAML or JSON document like config/conformance.fixture.example.yaml, readable
	// by its owner alone.
	File string `key:"file"`
}

// Default gives the configuration of an empty file. It lacks what nobody can
// guess (issuer, database, root key) and so does not validate.
func Default() Config {
	var c Config
	for _, f := range fieldsOf(&c) {
		if text, ok := f.tag.Lookup("default"); ok {
			if problem := f.set(text); problem != "" {
				panic("config: default of " + f.key + " " + problem)
			}
		}
	}
	return c
}
