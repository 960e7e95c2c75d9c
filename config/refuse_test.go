package config_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kejitong/config"
)

// installation is a configuration that starts; each row of a table spoils it.
type installation struct {
	dir  string
	yaml string
	env  []string
}

const goodPassword = "n4Qd0Zk2-vTtY7pLx"

func newInstallation(t *testing.T) *installation {
	t.Helper()
	in := &installation{dir: t.TempDir()}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	in.write(t, "root_key", base64.StdEncoding.EncodeToString(key)+"\n", 0o600)
	in.write(t, "dsn", "postgres://app:"+goodPassword+"@db.internal:5432/sso?sslmode=verify-full\n", 0o600)
	in.yaml = `
issuer: https://sso.example.gov.cn
listen:
  address: ":8443"
  trusted_proxies: ["10.20.0.0/24"]
database:
  dsn_file: ` + in.path("dsn") + `
keys:
  root_key_file: ` + in.path("root_key") + `
`
	return in
}

func (in *installation) path(name string) string { return filepath.Join(in.dir, name) }

func (in *installation) write(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	path := in.path(name)
	_ = os.Remove(path)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	// WriteFile's mode passes the umask; chmod does not.
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func (in *installation) replace(old, with string) { in.yaml = strings.Replace(in.yaml, old, with, 1) }

func (in *installation) load(t *testing.T) (config.Config, error) {
	t.Helper()
	in.write(t, "kejitong.yaml", in.yaml, 0o644)
	return config.Load(in.path("kejitong.yaml"), in.env)
}

func keyText(fill func(i int) byte) string {
	key := make([]byte, 32)
	for i := range key {
		key[i] = fill(i)
	}
	return hex.EncodeToString(key)
}

// TestRefusesToStart is S92 and E25: every bad secret, a clear-text issuer, the
// debug flag, a limit beyond its bounds and a key that is none stop the start,
// with a message that names the key and never shows a secret.
func TestRefusesToStart(t *testing.T) {
	const pasted = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	const dsnWithPassword = "postgres://app:" + goodPassword + "@db/sso"
	dsn := func(content string) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) { in.write(t, "dsn", content, 0o600) }
	}
	rootKey := func(content string) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) { in.write(t, "root_key", content, 0o600) }
	}
	mode := func(name string, mode os.FileMode) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) {
			if err := os.Chmod(in.path(name), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	add := func(yaml string) func(*testing.T, *installation) {
		return func(_ *testing.T, in *installation) { in.yaml += yaml }
	}
	swap := func(old, with string) func(*testing.T, *installation) {
		return func(_ *testing.T, in *installation) { in.replace(old, with) }
	}
	environ := func(vars ...string) func(*testing.T, *installation) {
		return func(_ *testing.T, in *installation) { in.env = vars }
	}
	tests := []struct {
		name  string
		spoil func(*testing.T, *installation)
		key   string // the key to blame
		says  string // part of the remedy
	}{
		{"root key not configured", swap("root_key_file", "# root_key_file"), "keys.root_key_file", "is missing"},
		{"root key file missing", func(t *testing.T, in *installation) { _ = os.Remove(in.path("root_key")) }, "keys.root_key_file", "cannot be read"},
		{"root key file empty", rootKey(" \n"), "keys.root_key_file", "is empty"},
		{"root key of 31 bytes", rootKey(pasted[:62]), "keys.root_key_file", "32 bytes"},
		{"root key of 16 bytes", rootKey(pasted[:32]), "keys.root_key_file", "32 bytes"},
		{"root key of 33 bytes", rootKey(pasted + "aa"), "keys.root_key_file", "32 bytes"},
		{"root key neither base64 nor hex", rootKey("correct horse battery staple !"), "keys.root_key_file", "neither base64 nor hex"},
		{"root key all zero", rootKey(keyText(func(int) byte { return 0 })), "keys.root_key_file", "not random"},
		{"root key one byte repeated", rootKey(keyText(func(int) byte { return 0xa5 })), "keys.root_key_file", "not random"},
		{"root key a half repeated", rootKey(keyText(func(i int) byte { return byte(i%16*17 + 3) })), "keys.root_key_file", "not random"},
		{"root key of the documentation", rootKey(keyText(func(i int) byte { return byte(i) })), "keys.root_key_file", "documentation"},
		{"root key a passphrase in base64", rootKey(base64.StdEncoding.EncodeToString([]byte("please-change-this-key-of-32-byt"))), "keys.root_key_file", "not random"},
		{"root key world-readable", mode("root_key", 0o604), "keys.root_key_file", "chmod 600"},
		{"root key group-readable", mode("root_key", 0o640), "keys.root_key_file", "chmod 600"},
		{"root key group-writable", mode("root_key", 0o620), "keys.root_key_file", "chmod 600"},
		{"root key a directory", func(t *testing.T, in *installation) {
			_ = os.Remove(in.path("root_key"))
			if err := os.Mkdir(in.path("root_key"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "keys.root_key_file", "regular file"},
		{"root key larger than any secret", rootKey(strings.Repeat("ab", 40<<10)), "keys.root_key_file", "larger"},
		{"root key pasted where its file is named", func(t *testing.T, in *installation) { in.replace(in.path("root_key"), pasted) }, "keys.root_key_file", "secret itself"},
		{"root key in YAML", add("  root_key: " + pasted + "\n"), "keys.root_key", "keys.root_key_file"},
		{"root key in the environment", environ("KEJITONG_KEYS__ROOT_KEY=" + pasted), "keys.root_key", "keys.root_key_file"},

		{"fixture that is not enabled", add("fixture: {file: fixture.yaml}\n"), "fixture.file", "fixture.enabled"},
		{"software statements that nobody could bring", add("protocol: {registration: false}\nclients: {statement_issuers_file: s.yaml}\n"), "clients.statement_issuers_file", "protocol.registration"},
		{"fixture without a file", add("fixture: {enabled: true}\n"), "fixture.file", "is missing"},
		{"certificates, no address for them", environ("KEJITONG_LISTEN__MTLS__PUBLIC_URL=https://mtls.sso.example.gov.cn"), "listen.mtls.public_url", "nothing behind it"},
		{"certificates, listener without its address", environ("KEJITONG_LISTEN__MTLS__ADDRESS=:9443"), "listen.mtls.public_url", "is missing"},
		{"certificates, at the port of browsers", environ("KEJITONG_LISTEN__MTLS__ADDRESS=:8443", "KEJITONG_LISTEN__ADDRESS=:8443"), "listen.mtls.address", "another port"},
		{"certificates, no host:port", environ("KEJITONG_LISTEN__MTLS__ADDRESS=9443"), "listen.mtls.address", "host:port"},
		{"certificates, http address", environ("KEJITONG_LISTEN__MTLS__ADDRESS=:9443", "KEJITONG_LISTEN__MTLS__PUBLIC_URL=http://mtls.sso.example.gov.cn"), "listen.mtls.public_url", "https://"},
		{"certificates, address with a path", environ("KEJITONG_LISTEN__MTLS__ADDRESS=:9443", "KEJITONG_LISTEN__MTLS__PUBLIC_URL=https://mtls.sso.example.gov.cn/"), "listen.mtls.public_url", "alone"},
		{"certificates, listener's key missing", environ("KEJITONG_LISTEN__MTLS__CERT_FILE=/etc/cert.pem"), "listen.mtls.key_file", "is missing"},
		{"certificates, header of no proxy", swap("address: \":8443\"\n  trusted_proxies: [\"10.20.0.0/24\"]", "address: 127.0.0.1:8443\n  mtls: {proxy_header: Client-Cert}"), "listen.mtls.proxy_header", "trusted_proxies"},
		{"certificates, header that is none", environ("KEJITONG_LISTEN__MTLS__PROXY_HEADER=Client Cert"), "listen.mtls.proxy_header", "name of a header"},
		{"certificates, unknown form of the header", environ("KEJITONG_LISTEN__MTLS__PROXY_HEADER_FORM=xfcc"), "listen.mtls.proxy_header_form", "rfc9440"},
		{"certificates, authorities for nobody", environ("KEJITONG_LISTEN__MTLS__CLIENT_CA_FILE=/etc/ca.pem"), "listen.mtls.client_ca_file", "of no use"},

		{"SMS driver that is none", environ("KEJITONG_NOTIFY__SMS__DRIVER=pigeon"), "notify.sms.driver", "gateway"},
		{"SMS gateway nowhere", environ("KEJITONG_NOTIFY__SMS__DRIVER=gateway"), "notify.sms.endpoint", "is missing"},
		{"SMS gateway in the clear", environ("KEJITONG_NOTIFY__SMS__DRIVER=gateway", "KEJITONG_NOTIFY__SMS__ENDPOINT=http://sms.internal/"), "notify.sms.endpoint", "https"},
		{"SMS gateway without a key", environ("KEJITONG_NOTIFY__SMS__DRIVER=gateway", "KEJITONG_NOTIFY__SMS__ENDPOINT=https://sms.internal/"), "notify.sms.key_file", "is missing"},
		{"SMS gateway with a short key", func(t *testing.T, in *installation) {
			in.write(t, "sms_key", "short", 0o600)
			in.env = []string{"KEJITONG_NOTIFY__SMS__DRIVER=gateway", "KEJITONG_NOTIFY__SMS__KEY_FILE=" + in.path("sms_key")}
		}, "notify.sms.key_file", "32 characters"},
		{"SMS key that the world reads", func(t *testing.T, in *installation) {
			in.write(t, "sms_key", pasted, 0o644)
			in.env = []string{"KEJITONG_NOTIFY__SMS__DRIVER=aliyun", "KEJITONG_NOTIFY__SMS__KEY_FILE=" + in.path("sms_key")}
		}, "notify.sms.key_file", "chmod 600"},
		{"Aliyun without a signature", environ("KEJITONG_NOTIFY__SMS__DRIVER=aliyun"), "notify.sms.signature", "is missing"},
		{"Aliyun without a key's name", environ("KEJITONG_NOTIFY__SMS__DRIVER=aliyun"), "notify.sms.key_id", "is missing"},
		{"Aliyun without templates", environ("KEJITONG_NOTIFY__SMS__DRIVER=aliyun"), "notify.sms.templates", "is missing"},
		{"Aliyun at a path", environ("KEJITONG_NOTIFY__SMS__DRIVER=aliyun", "KEJITONG_NOTIFY__SMS__ENDPOINT=https://x.example/sms"), "notify.sms.endpoint", "path"},
		{"a template of no purpose", environ("KEJITONG_NOTIFY__SMS__DRIVER=aliyun", "KEJITONG_NOTIFY__SMS__TEMPLATES=SMS_1"), "notify.sms.templates", "purpose=template"},
		{"Tencent without an application", environ("KEJITONG_NOTIFY__SMS__DRIVER=tencent"), "notify.sms.app_id", "is missing"},
		{"SMS without a cap", environ("KEJITONG_NOTIFY__SMS__PER_HOUR=0"), "notify.sms.per_hour", "between"},
		{"SMS without a cap for an address", environ("KEJITONG_NOTIFY__SMS__PER_ADDRESS=100000"), "notify.sms.per_address", "between"},
		{"mail server without a port", environ("KEJITONG_NOTIFY__EMAIL__SERVER=mail.internal"), "notify.email.server", "host:port"},
		{"mail from nobody", environ("KEJITONG_NOTIFY__EMAIL__SERVER=mail.internal:587", "KEJITONG_NOTIFY__EMAIL__FROM=a@b.cn, c@d.cn"), "notify.email.from", "one address"},
		{"mail in the clear", environ("KEJITONG_NOTIFY__EMAIL__SECURITY=none"), "notify.email.security", "starttls"},
		{"mail user without a password", environ("KEJITONG_NOTIFY__EMAIL__SERVER=mail.internal:587", "KEJITONG_NOTIFY__EMAIL__USERNAME=u"), "notify.email.password_file", "is missing"},
		{"verifier that is none", environ("KEJITONG_REALNAME__VERIFIER=trust"), "realname.verifier", "none of"},
		{"register guessed at without limit", environ("KEJITONG_REALNAME__DAILY_LIMIT=1000000"), "realname.daily_limit", "between"},
		{"gateway without an address", environ("KEJITONG_REALNAME__VERIFIER=http"), "realname.gateway.url", "https"},
		{"gateway in clear text", environ("KEJITONG_REALNAME__VERIFIER=http", "KEJITONG_REALNAME__GATEWAY__URL=http://gateway.internal/check"), "realname.gateway.url", "https"},
		{"gateway without a key's name", environ("KEJITONG_REALNAME__VERIFIER=http"), "realname.gateway.key_id", "needed"},
		{"gateway without a key", environ("KEJITONG_REALNAME__VERIFIER=http"), "realname.gateway.key_file", "needed"},
		{"gateway with a short key", func(t *testing.T, in *installation) {
			in.write(t, "gateway_key", pasted[:32], 0o600)
			in.env = []string{"KEJITONG_REALNAME__VERIFIER=http", "KEJITONG_REALNAME__GATEWAY__KEY_FILE=" + in.path("gateway_key")}
		}, "realname.gateway.key_file", "32 bytes"},
		{"gateway with a key that the world reads", func(t *testing.T, in *installation) {
			in.write(t, "gateway_key", pasted, 0o644)
			in.env = []string{"KEJITONG_REALNAME__VERIFIER=http", "KEJITONG_REALNAME__GATEWAY__KEY_FILE=" + in.path("gateway_key")}
		}, "realname.gateway.key_file", "chmod 600"},
		{"gateway that knows unheard-of documents", environ("KEJITONG_REALNAME__GATEWAY__DOCUMENTS=library_card"), "realname.gateway.documents", "none of"},

		{"database address not configured", swap("dsn_file", "# dsn_file"), "database.dsn_file", "is missing"},
		{"database address file missing", func(t *testing.T, in *installation) { _ = os.Remove(in.path("dsn")) }, "database.dsn_file", "cannot be read"},
		{"database address file empty", dsn(""), "database.dsn_file", "is empty"},
		{"database address world-readable", mode("dsn", 0o644), "database.dsn_file", "chmod 600"},
		{"database address group-readable", mode("dsn", 0o640), "database.dsn_file", "chmod 600"},
		{"database address of another kind", dsn("mysql://app:" + goodPassword + "@db/sso"), "database.dsn_file", "postgres://"},
		{"database address not parsable", dsn("postgres://app:" + goodPassword + "%zz@db/sso"), "database.dsn_file", "postgres://"},
		{"database address in keywords", dsn("host=db user=app password=" + goodPassword), "database.dsn_file", "postgres://"},
		{"database without user", dsn("postgres://db/sso"), "database.dsn_file", "without a user"},
		{"database without name", dsn("postgres://app:" + goodPassword + "@db/"), "database.dsn_file", "database's name"},
		{"database password missing", dsn("postgres://app@db/sso"), "database.dsn_file", "without a password"},
		{"database password empty", dsn("postgres://app:@db/sso"), "database.dsn_file", "without a password"},
		{"database password default of the image", dsn("postgres://app:postgres@db/sso"), "database.dsn_file", "default password"},
		{"database password default in other letters", dsn("postgres://app:ChangeMe@db/sso"), "database.dsn_file", "default password"},
		{"database password the user's name", dsn("postgres://application01:application01@db/sso"), "database.dsn_file", "default password"},
		{"database password default in the query", dsn("postgres://app@db/sso?password=kejitong"), "database.dsn_file", "default password"},
		{"database password short", dsn("postgres://app:n4Qd0Zk2-vT@db/sso"), "database.dsn_file", "12 characters"},
		{"database address pasted where its file is named", func(t *testing.T, in *installation) { in.replace(in.path("dsn"), dsnWithPassword) }, "database.dsn_file", "secret itself"},
		{"database address in YAML", func(t *testing.T, in *installation) {
			in.replace("dsn_file: "+in.path("dsn"), "dsn: "+dsnWithPassword)
		}, "database.dsn", "database.dsn_file"},
		{"database address in the environment", environ("KEJITONG_DATABASE__DSN=" + dsnWithPassword), "database.dsn", "database.dsn_file"},

		{"issuer missing", swap("issuer: https://sso.example.gov.cn", ""), "issuer", "is missing"},
		{"issuer http", swap("https://sso", "http://sso"), "issuer", "https"},
		{"issuer http that only begins like loopback", swap("https://sso.example.gov.cn", "http://localhost.example.cn"), "issuer", "https"},
		{"issuer http with loopback as user", swap("https://sso.example.gov.cn", "http://127.0.0.1@evil.example"), "issuer", "user"},
		{"issuer of another scheme", swap("https://sso", "ftp://sso"), "issuer", "https"},
		{"issuer without scheme", swap("https://sso", "sso"), "issuer", "not an address"},
		{"issuer with slash", swap("gov.cn", "gov.cn/"), "issuer", "slash"},
		{"issuer with path", swap("gov.cn", "gov.cn/sso"), "issuer", "path"},
		{"issuer with query", swap("gov.cn", "gov.cn?a=b"), "issuer", "query"},
		{"issuer with empty query", swap("gov.cn", "gov.cn?"), "issuer", "query"},
		{"issuer with fragment", swap("issuer: https://sso.example.gov.cn", `issuer: "https://sso.example.gov.cn#x"`), "issuer", "fragment"},
		{"issuer with capitals", swap("https://sso", "https://SSO"), "issuer", "capital"},
		{"issuer with port 0", swap("gov.cn", "gov.cn:0"), "issuer", "port"},
		{"debug in public", add("debug: true\n"), "debug", "loopback"},
		{"debug in public by the environment", environ("KEJITONG_DEBUG=true"), "debug", "loopback"},

		{"clear-text listener without proxies", swap("trusted_proxies", "# trusted_proxies"), "listen.address", "clear"},
		{"clear-text listener for a loopback issuer", swap("https://sso.example.gov.cn", "http://localhost:8443"), "listen.address", "clear"},
		{"whole world trusted as proxy", swap("10.20.0.0/24", "0.0.0.0/0"), "listen.trusted_proxies", "whole world"},
		{"proxy that is no network", swap("10.20.0.0/24", "proxy.internal"), "listen.trusted_proxies", "networks"},
		{"metrics on the public listener", environ("KEJITONG_LISTEN__INTERNAL_ADDRESS=:8443"), "listen.internal_address", "outside"},
		{"listener without port", swap(`":8443"`, "sso"), "listen.address", "host:port"},
		{"certificate without key", environ("KEJITONG_LISTEN__TLS__CERT_FILE=/etc/ssl/sso.pem"), "listen.tls.key_file", "is missing"},
		{"key without certificate", environ("KEJITONG_LISTEN__TLS__KEY_FILE=/etc/ssl/sso.key"), "listen.tls.cert_file", "is missing"},
		{"header timeout off", environ("KEJITONG_LISTEN__READ_HEADER_TIMEOUT=0s"), "listen.read_header_timeout", "between"},
		{"drain of an hour", environ("KEJITONG_LISTEN__DRAIN_DELAY=1h"), "listen.drain_delay", "between"},
		{"drain that leaves no time to finish", environ("KEJITONG_LISTEN__DRAIN_DELAY=10s", "KEJITONG_LISTEN__SHUTDOWN_TIMEOUT=5s"), "listen.drain_delay", "listen.shutdown_timeout"},
		{"no connections", environ("KEJITONG_LISTEN__MAX_CONNECTIONS=0"), "listen.max_connections", "between"},

		{"argon2 memory below the floor", environ("KEJITONG_PASSWORDS__ARGON2_MEMORY_KIB=19455"), "passwords.argon2_memory_kib", "19456"},
		{"argon2 passes below the floor", environ("KEJITONG_PASSWORDS__ARGON2_TIME=1"), "passwords.argon2_time", "between 2"},
		{"argon2 without lanes", environ("KEJITONG_PASSWORDS__ARGON2_PARALLELISM=0"), "passwords.argon2_parallelism", "between 1"},
		{"argon2 memory that exhausts the machine", environ("KEJITONG_PASSWORDS__ARGON2_MEMORY_KIB=99999999"), "passwords.argon2_memory_kib", "between"},
		{"guessing without limit", environ("KEJITONG_PASSWORDS__PER_PAIR_LIMIT=1000"), "passwords.per_pair_limit", "between"},
		{"no fields to reveal at the desk", environ("KEJITONG_ADMIN__REVEALS_PER_HOUR=0"), "admin.reveals_per_hour", "between"},
		{"a network of the desk that is none", environ("KEJITONG_ADMIN__NETWORKS=10.0.0.0"), "admin.networks", ""},
		{"account limit above 100", environ("KEJITONG_PASSWORDS__ACCOUNT_LIMIT=101"), "passwords.account_limit", "between"},
		{"code longer than a minute", environ("KEJITONG_TOKENS__CODE_TTL=61s"), "tokens.code_ttl", "1m"},
		{"access token longer than ten minutes", environ("KEJITONG_TOKENS__ACCESS_TTL=11m"), "tokens.access_ttl", "10m"},
		{"access token that never lives", environ("KEJITONG_TOKENS__ACCESS_TTL=0"), "tokens.access_ttl", "between"},
		{"negative life", environ("KEJITONG_TOKENS__REFRESH_GRACE=-1s"), "tokens.refresh_grace", "between"},
		{"pushed request longer than ten minutes", environ("KEJITONG_TOKENS__PAR_TTL=11m"), "tokens.par_ttl", "between"},
		{"idle longer than altogether", environ("KEJITONG_TOKENS__REFRESH_IDLE=31d"), "tokens.refresh_idle", "tokens.refresh_absolute"},
		{"session idle beyond an hour", environ("KEJITONG_SESSIONS__IDLE=61m"), "sessions.idle", "between"},
		{"session for ever", environ("KEJITONG_SESSIONS__ABSOLUTE=25h"), "sessions.absolute", "between"},
		{"audit kept below six months", environ("KEJITONG_AUDIT__RETENTION=179d"), "audit.retention", "between"},
		{"closing that cannot be taken back", environ("KEJITONG_RETENTION__CLOSING_COOLING=1h"), "retention.closing_cooling", "between"},
		{"closing later than the law allows", environ("KEJITONG_RETENTION__CLOSING_COOLING=16d"), "retention.closing_cooling", "between"},
		{"change of mobile without a wait", environ("KEJITONG_RETENTION__MOBILE_HOLD=0s"), "retention.mobile_hold", "between"},
		{"accounts disabled after a month", environ("KEJITONG_RETENTION__UNUSED_AFTER=30d"), "retention.unused_after", "between"},
		{"disabled without a word", environ("KEJITONG_RETENTION__UNUSED_NOTICE=0s"), "retention.unused_notice", "between"},
		{"numbers trusted for ever", environ("KEJITONG_RETENTION__NUMBER_DOUBT=3650d"), "retention.number_doubt", "between"},
		{"login name given out at once", environ("KEJITONG_RETENTION__LOGIN_NAME_BLOCKED=1d"), "retention.login_name_blocked", "between"},
		{"number without unit", environ("KEJITONG_TOKENS__CODE_TTL=60"), "tokens.code_ttl", "unit"},
		{"word for a number", environ("KEJITONG_DATABASE__MAX_OPEN=many"), "database.max_open", "whole number"},
		{"word for a switch", environ("KEJITONG_DEBUG=perhaps"), "debug", "neither true nor false"},
		{"more idle connections than open ones", environ("KEJITONG_DATABASE__MAX_OPEN=4"), "database.max_idle", "between 0 and 4"},

		{"driver unknown", environ("KEJITONG_DATABASE__DRIVER=mysql"), "database.driver", "none of"},
		{"sqlite without path", func(_ *testing.T, in *installation) {
			in.replace("dsn_file", "driver: sqlite\n  # dsn_file")
		}, "database.path", "is missing"},
		{"sqlite with a DSN", environ("KEJITONG_DATABASE__DRIVER=sqlite", "KEJITONG_DATABASE__PATH=/var/lib/kejitong/sso.db"), "database.dsn_file", "is for postgres"},
		{"postgres with a path", environ("KEJITONG_DATABASE__PATH=/var/lib/kejitong/sso.db"), "database.path", "is for sqlite"},
		{"sqlite path with options", environ("KEJITONG_DATABASE__DRIVER=sqlite", "KEJITONG_DATABASE__PATH=file:sso.db?mode=memory"), "database.path", "plain path"},
		{"outbound pattern", environ("KEJITONG_CLIENTS__OUTBOUND_ALLOW=*.intranet:443"), "clients.outbound_allow", "host:port"},
		{"outbound without port", environ("KEJITONG_CLIENTS__OUTBOUND_ALLOW=erp.intranet"), "clients.outbound_allow", "host:port"},
		{"substitute addresses in an address", environ("KEJITONG_CLIENTS__SUBSTITUTE_EMAIL_DOMAIN=user@none.example.gov.cn"), "clients.substitute_email_domain", "small letters"},
		{"substitute addresses at a bare word", environ("KEJITONG_CLIENTS__SUBSTITUTE_EMAIL_DOMAIN=localhost"), "clients.substitute_email_domain", "small letters"},
		{"substitute addresses in capitals", environ("KEJITONG_CLIENTS__SUBSTITUTE_EMAIL_DOMAIN=None.example.gov.cn"), "clients.substitute_email_domain", "small letters"},
		{"verified substitutes of nothing", environ("KEJITONG_CLIENTS__SUBSTITUTE_EMAIL_VERIFIED=true"), "clients.substitute_email_verified", "substitute_email_domain"},
		{"collector with a password", environ("KEJITONG_TELEMETRY__OTLP_ENDPOINT=http://u:" + goodPassword + "@otel:4318"), "telemetry.otlp_endpoint", "without user"},
		{"share above one", environ("KEJITONG_TELEMETRY__SAMPLE_RATIO=2"), "telemetry.sample_ratio", "between 0 and 1"},
		{"share that is no number", environ("KEJITONG_TELEMETRY__SAMPLE_RATIO=NaN"), "telemetry.sample_ratio", "between 0 and 1"},
		{"log level unknown", environ("KEJITONG_LOG__LEVEL=verbose"), "log.level", "none of"},
		{"telephone unquoted", add("platform: {support_phone: 4001234567}\n"), "platform.support_phone", "quotes"},
		{"telephone with markup", add("platform: {support_phone: \"<b>\"}\n"), "platform.support_phone", "telephone"},
		{"manual by script", add("platform: {manual_url: \"javascript:alert(1)\"}\n"), "platform.manual_url", "https"},
		{"platform without a name", add("platform: {name_zh: \"\"}\n"), "platform.name_zh", "empty"},

		{"terms without a version", add("signup: {terms_version: \"\"}\n"), "signup.terms_version", "missing"},
		{"terms with a line break in the version", add("signup: {terms_version: \"1\\n2\"}\n"), "signup.terms_version", "letters"},
		{"terms in clear text", add("signup: {terms_url: \"http://example.gov.cn/terms\"}\n"), "signup.terms_url", "https"},
		{"privacy policy that is a script", add("signup: {privacy_url: \"javascript:alert(1)\"}\n"), "signup.privacy_url", "https"},
		{"registrations without limit", add("signup: {per_address: 1000000}\n"), "signup.per_address", "between"},
		{"registrations counted by the minute", add("signup: {window: 1s}\n"), "signup.window", "between"},
		{"documents kept nowhere known", add("documents: {store: ftp}\n"), "documents.store", "none of"},
		{"documents in a relative folder", add("documents: {folder: documents}\n"), "documents.folder", "absolute"},
		{"documents in a folder, with a bucket", add("documents: {s3: {endpoint: s3.intranet, bucket: evidence}}\n"), "documents.s3", "not used"},
		{"documents in S3, with a folder", add("documents: {store: s3, folder: /var/documents}\n"), "documents.folder", "not used"},
		{"documents in S3 without a place", add("documents: {store: s3}\n"), "documents.s3.endpoint", "is missing"},
		{"documents in S3 without a bucket", add("documents: {store: s3, s3: {endpoint: s3.intranet}}\n"), "documents.s3.bucket", "is missing"},
		{"documents in S3 without keys", add("documents: {store: s3, s3: {endpoint: s3.intranet, bucket: evidence}}\n"), "documents.s3.secret_key_file", "is missing"},
		{"documents in S3 by address", add("documents: {store: s3, s3: {endpoint: \"https://s3.intranet/\", bucket: evidence}}\n"), "documents.s3.endpoint", "host:port"},
		{"documents in S3 in clear", add("documents: {store: s3, s3: {endpoint: \"s3.intranet:9000\", plain: true, bucket: evidence}}\n"), "documents.s3.plain", "https"},
		{"secret key of S3 world-readable", func(t *testing.T, in *installation) {
			in.write(t, "s3", "n4Qd0Zk2-vT", 0o644)
			in.yaml += "documents: {store: s3, s3: {endpoint: s3.intranet, bucket: evidence, secret_key_file: " + in.path("s3") + "}}\n"
		}, "documents.s3.secret_key_file", "chmod 600"},
		{"clamd by relative path", add("documents: {clamav: \"unix:clamd.ctl\"}\n"), "documents.clamav", "absolute path"},
		{"held for no scanner", add("documents: {unscanned: hold}\n"), "documents.unscanned", "documents.clamav"},
		{"unscanned but how", add("documents: {unscanned: show}\n"), "documents.unscanned", "refuse"},
		{"clamd without port", add("documents: {clamav: scanner}\n"), "documents.clamav", "host:port"},
		{"no documents at all", add("documents: {per_account: 0}\n"), "documents.per_account", "between"},
		{"documents for ever", add("documents: {retain: 400d}\n"), "documents.retain", "between"},

		{"unknown key at the top", add("isuer: x\n"), "isuer", "no such key"},
		{"unknown key in a section", add("tokens: {code_tll: 30s}\n"), "tokens.code_tll", "no such key"},
		{"unknown section", add("oauth: {code_ttl: 30s}\n"), "oauth.code_ttl", "tokens.code_ttl"},
		{"unknown key that holds a secret", add("database_password: " + goodPassword + "\n"), "database_password", "no such key"},
		{"unknown variable", environ("KEJITONG_TOKENS__CODE_TLL=30s"), "tokens.code_tll", "no such key"},
		{"variable with one underscore", environ("KEJITONG_TOKENS_CODE_TTL=30s"), "tokens_code_ttl", "no such key"},
		{"value for a section", environ("KEJITONG_TOKENS=30s"), "tokens", "section"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := newInstallation(t)
			test.spoil(t, in)
			_, err := in.load(t)
			var problems config.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("Load() = %v, want problems", err)
			}
			blamed := false
			for _, p := range problems {
				if p.Key == test.key && strings.Contains(p.Remedy, test.says) {
					blamed = true
				}
			}
			if !blamed {
				t.Errorf("no problem blames %s and says %q:\n%v", test.key, test.says, err)
			}
			for _, secret := range []string{goodPassword, pasted, pasted[:32]} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the message shows a secret:\n%v", err)
				}
			}
		})
	}
}

// TestRefusesUnreadableFile: the file as a whole.
func TestRefusesUnreadableFile(t *testing.T) {
	tests := []struct{ name, yaml, says string }{
		{"not YAML", "issuer: [\npassword: " + goodPassword + ": x", "not valid YAML"},
		{"a key twice", "issuer: https://a.example\nissuer: https://b.example\n", "not valid YAML"},
		{"a list", "- issuer\n- " + goodPassword + "\n", "not valid YAML"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := newInstallation(t)
			in.yaml = test.yaml
			_, err := in.load(t)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("Load() = %v, want %q", err, test.says)
			}
			if err != nil && strings.Contains(err.Error(), goodPassword) {
				t.Errorf("the message quotes the file: %v", err)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		if _, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil); err == nil || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("Load() = %v, want a missing file", err)
		}
	})
}

// TestAllProblemsAtOnce: an operator mends everything in one go.
func TestAllProblemsAtOnce(t *testing.T) {
	in := newInstallation(t)
	in.yaml = "issuer: http://sso.example.gov.cn\ndebug: true\ntokens: {code_ttl: 5m}\n"
	_, err := in.load(t)
	var problems config.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("Load() = %v, want problems", err)
	}
	var keys []string
	for _, p := range problems {
		keys = append(keys, p.Key)
	}
	want := "issuer listen.address database.dsn_file keys.root_key_file tokens.code_ttl debug"
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("problems of\n %s\nwant\n %s", got, want)
	}
}

// FuzzLoad: whatever stands in the file or the environment, Load neither
// panics nor starts without a root key.
func FuzzLoad(f *testing.F) {
	f.Add("issuer: https://a.example\n", "KEJITONG_DEBUG=true")
	f.Add("listen: {tls: {cert_file: x}}\n", "KEJITONG_LISTEN=x")
	f.Add("keys: {root_key_file: /dev/zero}\n", "KEJITONG_LISTEN__TLS__=x")
	f.Add("? {a: b}\n: c\n", "KEJITONG___=x")
	f.Fuzz(func(t *testing.T, yaml, variable string) {
		path := filepath.Join(t.TempDir(), "kejitong.yaml")
		if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path, []string{variable})
		if err == nil && !c.Keys.RootKey.IsSet() {
			t.Fatalf("started without a root key: %q %q", yaml, variable)
		}
	})
}
