package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/config"
	"kejitong/provider/client"
	"kejitong/store"
	"kejitong/store/storetest"
)

// identity is a certificate and its key.
type identity struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// issue makes a certificate; by nobody it is self-signed.
func issue(t testing.TB, by *identity, change func(*x509.Certificate)) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "nobody"}, NotBefore: now().Add(-time.Hour), NotAfter: now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(c)
	}
	parent, signs := c, crypto.Signer(key)
	if by != nil {
		parent, signs = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signs)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return identity{c, key}
}

func issuing(c *x509.Certificate) {
	c.Subject.CommonName, c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtKeyUsage = "authority", true, true, x509.KeyUsageCertSign, nil
}

func (i identity) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw})
}

// files writes the pair as a server wants it.
func (i identity) files(t testing.TB) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{cert: i.pem(), key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// over is an HTTP client that shows the certificates in the handshake.
func (i identity) over(roots *x509.CertPool, chain ...identity) *http.Client {
	c := &tls.Config{RootCAs: roots}
	if i.cert != nil {
		shown := tls.Certificate{Certificate: [][]byte{i.cert.Raw}, PrivateKey: i.key}
		for _, more := range chain {
			shown.Certificate = append(shown.Certificate, more.cert.Raw)
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shown, nil }
	}
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}
}

// mutual is a rig with a listener that asks for certificates.
type mutual struct {
	*rig
	base    string
	roots   *x509.CertPool // of the server's certificate
	ca, mid identity       // who issues certificates to clients
}

func newMutual(t *testing.T, o store.Options, tweak func(*config.Config)) mutual {
	t.Helper()
	server := issue(t, nil, func(c *x509.Certificate) {
		issuing(c)
		c.KeyUsage |= x509.KeyUsageDigitalSignature
		c.ExtKeyUsage, c.IPAddresses = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, []net.IP{net.IPv4(127, 0, 0, 1)}
	})
	m := mutual{ca: issue(t, nil, issuing), roots: x509.NewCertPool()}
	m.mid = issue(t, &m.ca, issuing)
	m.roots.AddCert(server.cert)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, m.ca.pem(), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.base = "https://" + l.Addr().String()
	m.rig = newRig(t, o, func(c *config.Config) {
		c.Listen.MTLS = config.MTLS{Address: l.Addr().String(), PublicURL: m.base, ClientCAFile: bundle, ProxyHeaderForm: "rfc9440"}
		c.Listen.MTLS.CertFile, c.Listen.MTLS.KeyFile = server.files(t)
		if tweak != nil {
			tweak(c)
		}
	}, func(a *app) { a.mutual = l })
	return m
}

// by sends a form as the client, whose only proof is the handshake.
func (m mutual) by(who *http.Client, path string, v url.Values) answer {
	m.t.Helper()
	return m.through(who, formTo(m.t, m.base+path, v, nil))
}

func (m mutual) through(who *http.Client, q *http.Request) answer {
	m.t.Helper()
	res, err := who.Do(q)
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	got := answer{status: res.StatusCode, header: res.Header}
	if err := json.NewDecoder(res.Body).Decode(&got.body); err != nil && res.ContentLength != 0 {
		m.t.Fatalf("%s answered %d with no JSON", q.URL.Path, res.StatusCode)
	}
	return got
}

// infoBy reads userinfo at the listener that asks for certificates.
func (m mutual) info(who *http.Client, scheme, token string, proofs ...string) answer {
	m.t.Helper()
	q, err := http.NewRequest(http.MethodGet, m.base+"/oauth2/userinfo", nil)
	if err != nil {
		m.t.Fatal(err)
	}
	q.Header.Set("Authorization", scheme+" "+token)
	for _, p := range proofs {
		q.Header.Add("DPoP", p)
	}
	return m.through(who, q)
}

func x5t(i identity) string {
	sum := sha256.Sum256(i.cert.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// RFC 8705: who proves himself by a certificate, at our own listener.
func TestMutualTLS(t *testing.T) {
	for _, o := range []store.Options{storetest.SQLite(t), storetest.Postgres(t)} {
		t.Run(o.Driver, func(t *testing.T) {
			m := newMutual(t, o, nil)
			name := func(cn string, more ...func(*x509.Certificate)) func(*x509.Certificate) {
				return func(c *x509.Certificate) {
					c.Subject = pkix.Name{CommonName: cn, Organization: []string{"Fuwu, Ltd"}, Country: []string{"CN"}}
					for _, f := range more {
						f(c)
					}
				}
			}
			right := issue(t, &m.ca, name("rp"))
			below := issue(t, &m.mid, name("rp"))
			own := issue(t, nil, name("own"))
			keyed := issue(t, nil, name("keyed"))
			x5c, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: own.key.Public(), Certificates: []*x509.Certificate{own.cert}, Use: "sig", KeyID: "c"}}})
			if err != nil {
				t.Fatal(err)
			}
			both := []string{"authorization_code", "refresh_token", "client_credentials"}
			for id, md := range map[string]client.Metadata{
				"rp":    {TokenEndpointAuthMethod: client.AuthTLS, TLSClientAuthSubjectDN: `CN=rp,O=Fuwu\, Ltd,C=CN`},
				"san":   {TokenEndpointAuthMethod: client.AuthTLS, TLSClientAuthSANDNS: "san.example.cn"},
				"own":   {TokenEndpointAuthMethod: client.AuthSelfSigned, JWKS: x5c},
				"keyed": {TokenEndpointAuthMethod: client.AuthSelfSigned, JWKS: signer{jose.ES256, keyed.key, "k"}.set(t)},
				"plain": {},
			} {
				md.GrantTypes, md.Scope, md.TLSBoundTokens = both, "openid offline_access demo.read", id != "plain" && id != "san"
				m.register(id, md)
			}
			now := m.clock.now()
			for _, row := range []struct {
				name string
				who  *http.Client
				id   string
				good bool
			}{
				{"no certificate", identity{}.over(m.roots), "rp", false},
				{"another name", issue(t, &m.ca, name("rq")).over(m.roots), "rp", false},
				{"the name among others", issue(t, &m.ca, name("rp", func(c *x509.Certificate) { c.Subject.OrganizationalUnit = []string{"x"} })).over(m.roots), "rp", false},
				{"self-signed, with the name", issue(t, nil, name("rp")).over(m.roots), "rp", false},
				{"of another authority", func() *http.Client { ca := issue(t, nil, issuing); return issue(t, &ca, name("rp")).over(m.roots, ca) }(), "rp", false},
				{"issued by a client", issue(t, &right, name("rp")).over(m.roots, right), "rp", false},
				{"without its intermediate", below.over(m.roots), "rp", false},
				{"expired", issue(t, &m.ca, name("rp", func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) })).over(m.roots), "rp", false},
				{"not valid yet", issue(t, &m.ca, name("rp", func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) })).over(m.roots), "rp", false},
				{"for servers", issue(t, &m.ca, name("rp", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })).over(m.roots), "rp", false},
				{"name as CN, wanted as alternative", issue(t, &m.ca, name("san.example.cn")).over(m.roots), "san", false},
				{"self-signed of another", right.over(m.roots), "own", false},
				{"self-signed, another certificate of the key", func() *http.Client {
					twin := identity{issue(t, nil, name("own")).cert, own.key}
					twin.cert.PublicKey = own.key.Public()
					der, err := x509.CreateCertificate(rand.Reader, twin.cert, twin.cert, own.key.Public(), own.key)
					if err != nil {
						t.Fatal(err)
					}
					if twin.cert, err = x509.ParseCertificate(der); err != nil {
						t.Fatal(err)
					}
					return twin.over(m.roots)
				}(), "own", false},
				{"self-signed by another key", own.over(m.roots), "keyed", false},
				{"a client with a secret", right.over(m.roots), "plain", false},
				{"unknown client", right.over(m.roots), "nobody", false},

				{"issued, with the name", right.over(m.roots), "rp", true},
				{"by an intermediate", below.over(m.roots, m.mid), "rp", true},
				{"alternative name", issue(t, &m.ca, name("x", func(c *x509.Certificate) { c.DNSNames = []string{"y.cn", "SAN.example.cn"} })).over(m.roots), "san", true},
				{"self-signed, registered", own.over(m.roots), "own", true},
				{"self-signed, its key registered", keyed.over(m.roots), "keyed", true},
			} {
				s := m
				s.rig = m.as(t)
				before := s.state()
				got := s.by(row.who, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {row.id}})
				if row.good {
					s.want(got, 200, "", row.name)
				} else {
					s.want(got, 401, "invalid_client", row.name)
					s.same(before, row.name)
				}
			}
			// A registered certificate that has expired since.
			s := m
			s.clock.move(25 * time.Hour)
			s.want(s.by(own.over(m.roots), "/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"own"}}), 401, "invalid_client", "expired, self-signed")
			s.clock.move(-25 * time.Hour)
			// Where nobody asks for certificates there is no proof.
			s.want(s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"rp"}}, nil), 401, "invalid_client", "at the plain listener")
			// The certificate does not help who must show a secret, nor a secret who must show it.
			s.want(s.through(right.over(m.roots), formTo(t, m.base+"/oauth2/token", service, basically("rp", "x"))), 401, "invalid_client", "a secret beside the certificate")
			// No page where browsers would be asked for a certificate.
			for _, path := range []string{"/login", "/", "/oauth2/authorize", "/.well-known/openid-configuration"} {
				res, err := right.over(m.roots).Get(m.base + path)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if res.StatusCode != http.StatusNotFound {
					t.Errorf("%s: %d, want 404", path, res.StatusCode)
				}
			}
		})
	}
}

// RFC 8705 §3: access tokens bound to a certificate.
func TestCertificateBoundTokens(t *testing.T) {
	for _, o := range []store.Options{storetest.SQLite(t), storetest.Postgres(t)} {
		t.Run(o.Driver, func(t *testing.T) {
			m := newMutual(t, o, nil)
			one, two := issue(t, nil, nil), issue(t, nil, nil)
			key, assertion := newSigner(t, "ES256", ""), newSigner(t, "PS256", "k")
			dn := func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: "fapi"} }
			fapi := issue(t, &m.ca, dn)
			m.strict("fapi", assertion, signer{}, func(md *client.Metadata) {
				md.TokenEndpointAuthMethod, md.TLSClientAuthSubjectDN, md.JWKS = client.AuthTLS, "CN=fapi", nil
				md.DPoPBoundTokens, md.TLSBoundTokens = false, true
			})
			m.register("own", client.Metadata{TokenEndpointAuthMethod: client.AuthSelfSigned, JWKS: signer{jose.ES256, one.key, "k"}.set(t, signer{jose.ES256, two.key, "l"}.public()), TLSBoundTokens: true})
			m.register("secret", client.Metadata{TLSBoundTokens: true})
			m.register("open", client.Metadata{TokenEndpointAuthMethod: "none", TLSBoundTokens: true})
			m.register("both", client.Metadata{TLSBoundTokens: true, DPoPBoundTokens: true})
			m.register("jwt", client.Metadata{TLSBoundTokens: true, AccessTokenFormat: "jwt"})
			b := m.browser()
			code := func(id string) url.Values {
				a := request(id, "openid offline_access")
				v := codeForm(a, m.code(b, "a", a))
				v.Set("client_id", id)
				return v
			}
			none, first, second := identity{}.over(m.roots), one.over(m.roots), two.over(m.roots)
			with := func(who *http.Client, id string, v url.Values) answer {
				return m.through(who, formTo(t, m.base+"/oauth2/token", v, m.creds(id)))
			}

			v := code("secret")
			m.want(with(none, "secret", v), 400, "invalid_request", "no certificate")
			m.want(m.token("secret", v), 400, "invalid_request", "at the plain listener")
			got := with(first, "secret", v)
			m.want(got, 200, "", "with a certificate")
			if got.body["token_type"] != "Bearer" { // §3
				t.Errorf("token_type %v", got.body["token_type"])
			}
			token, refresh := text(got.body, "access_token"), text(got.body, "refresh_token")
			in := m.inspect("secret", token)
			if cnf, _ := in.body["cnf"].(map[string]any); cnf["x5t#S256"] != x5t(one) || cnf["jkt"] != nil || in.body["token_type"] != "Bearer" { // §3.2
				t.Errorf("introspection %v", in.body)
			}
			m.want(m.info(none, "Bearer", token), 401, "invalid_token", "userinfo without a certificate")
			m.want(m.rig.info(token), 401, "invalid_token", "userinfo at the plain listener")
			m.want(m.info(second, "Bearer", token), 401, "invalid_token", "userinfo with another certificate")
			m.want(m.info(first, "DPoP", token, key.dpop(t, m.proofClaims("GET", "/oauth2/userinfo", token), nil)), 401, "invalid_token", "userinfo by DPoP")
			m.want(m.info(first, "Bearer", token), 200, "", "userinfo with the certificate")
			m.want(with(none, "secret", refreshForm(refresh)), 400, "invalid_request", "refresh without a certificate")
			got = with(second, "secret", refreshForm(refresh)) // the client proves itself: a new certificate will do
			m.want(got, 200, "", "refresh with another certificate")
			m.want(m.info(second, "Bearer", text(got.body, "access_token")), 200, "", "userinfo with the new certificate")

			// §4: a public client's refresh token is bound as well.
			got = with(first, "open", code("open"))
			m.want(got, 200, "", "public")
			m.want(with(second, "open", refreshForm(text(got.body, "refresh_token"))), 400, "invalid_grant", "public: refresh with another certificate")
			m.want(with(first, "open", refreshForm(text(got.body, "refresh_token"))), 200, "", "public: refresh")

			// By both: each is asked for.
			at := func(path, token string) string {
				c := m.proofClaims("GET", path, token)
				if token == "" {
					c["htm"] = "POST"
				}
				c["htu"] = m.base + path // as the client knows the place
				return key.dpop(t, c, nil)
			}
			v = code("both")
			q := formTo(t, m.base+"/oauth2/token", v, m.creds("both"))
			q.Header.Set("DPoP", at("/oauth2/token", ""))
			got = m.through(first, q)
			m.want(got, 200, "", "both")
			token = text(got.body, "access_token")
			m.want(m.info(none, "DPoP", token, at("/oauth2/userinfo", token)), 401, "invalid_token", "both: no certificate")
			m.want(m.info(first, "Bearer", token), 401, "invalid_token", "both: no proof")
			m.want(m.info(first, "DPoP", token, at("/oauth2/userinfo", token)), 200, "", "both")

			got = with(first, "jwt", code("jwt"))
			if cnf, _ := m.genuine(text(got.body, "access_token"), "at+jwt", jose.ES256)["cnf"].(map[string]any); cnf["x5t#S256"] != x5t(one) { // §3.1
				t.Errorf("cnf of the JWT: %v", cnf)
			}

			// FAPI 2.0 by mutual TLS throughout.
			who := fapi.over(m.roots)
			a := request("fapi", "openid offline_access")
			m.want(m.by(none, "/oauth2/par", a.params), 401, "invalid_client", "FAPI: push without a certificate")
			pushed := m.by(who, "/oauth2/par", a.params)
			m.want(pushed, 201, "", "FAPI: push")
			p := b.get(m.issuer + "/oauth2/authorize?" + url.Values{"client_id": {"fapi"}, "request_uri": {text(pushed.body, "request_uri")}}.Encode())
			v = codeForm(a, callback(t, p).Get("code"))
			v.Set("client_id", "fapi")
			m.want(m.by(first, "/oauth2/token", v), 401, "invalid_client", "FAPI: another certificate")
			got = m.by(who, "/oauth2/token", v)
			m.want(got, 200, "", "FAPI: code")
			m.want(m.info(who, "Bearer", text(got.body, "access_token")), 200, "", "FAPI: userinfo")
			m.want(m.info(first, "Bearer", text(got.body, "access_token")), 401, "invalid_token", "FAPI: userinfo with another certificate")
			r := refreshForm(text(got.body, "refresh_token"))
			r.Set("client_id", "fapi")
			m.want(m.by(who, "/oauth2/token", r), 200, "", "FAPI: refresh")
			m.want(m.by(who, "/oauth2/token", r), 200, "", "FAPI: refresh again")
		})
	}
}

// A certificate in a header counts from a trusted proxy and from nobody else.
func TestCertificateFromAProxy(t *testing.T) {
	who, other := issue(t, nil, nil), issue(t, nil, nil)
	rfc9440 := func(i identity) string { return ":" + base64.StdEncoding.EncodeToString(i.cert.Raw) + ":" }
	escaped := func(i identity) string { return url.PathEscape(string(i.pem())) }
	for _, form := range []struct {
		name, header string
		write        func(identity) string
		other        func(identity) string
	}{
		{"rfc9440", "Client-Cert", rfc9440, escaped}, {"pem", "X-SSL-Client-Cert", escaped, rfc9440},
	} {
		start := func(t *testing.T, trusted string) *rig {
			r := newRig(t, storetest.SQLite(t), func(c *config.Config) {
				c.Listen.MTLS.ProxyHeader, c.Listen.MTLS.ProxyHeaderForm = form.header, form.name
				c.Listen.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(trusted)}
			}, nil)
			r.register("own", client.Metadata{TokenEndpointAuthMethod: client.AuthSelfSigned, JWKS: signer{jose.ES256, who.key, "k"}.set(t), TLSBoundTokens: true, GrantTypes: []string{"client_credentials"}, Scope: "demo.read"})
			return r
		}
		ask := func(r *rig, values ...string) answer {
			return r.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"own"}}, func(q *http.Request, _ url.Values) {
				q.Header.Set("X-Forwarded-For", "203.0.113.7")
				for _, v := range values {
					q.Header.Add(form.header, v)
				}
			})
		}
		t.Run(form.name+" from a trusted proxy", func(t *testing.T) {
			r := start(t, "127.0.0.0/8")
			for name, values := range map[string][]string{
				"none": nil, "empty": {""}, "another's": {form.write(other)}, "the other form": {form.other(who)}, "twice": {form.write(who), form.write(who)},
				"two in one": {form.write(who) + "," + form.write(who)}, "cut": {form.write(who)[:200]}, "garbage": {"x"}, "NULL": {"(null)"},
			} {
				r.want(ask(r, values...), 401, "invalid_client", name)
			}
			got := ask(r, form.write(who))
			r.want(got, 200, "", "the certificate")
		})
		t.Run(form.name+" from anybody", func(t *testing.T) {
			r := start(t, "192.0.2.0/24")
			r.want(ask(r, form.write(who)), 401, "invalid_client", "a header that the client wrote itself")
		})
	}
	t.Run("beside our own listener", func(t *testing.T) {
		m := newMutual(t, storetest.SQLite(t), nil) // no header is configured
		m.register("own", client.Metadata{TokenEndpointAuthMethod: client.AuthSelfSigned, JWKS: signer{jose.ES256, who.key, "k"}.set(t), GrantTypes: []string{"client_credentials"}, Scope: "demo.read"})
		q := formTo(t, m.base+"/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"own"}}, nil)
		q.Header.Set("Client-Cert", rfc9440(who))
		m.want(m.through(other.over(m.roots), q), 401, "invalid_client", "a header beside another certificate")
	})
}

// RFC 8705 §3.3, §5: discovery says what there is, and nothing where there is
// nothing (TestEveryAdvertisedValueIsTrue has a provider without).
func TestMutualTLSIsAdvertised(t *testing.T) {
	m := newMutual(t, storetest.SQLite(t), nil)
	res, err := direct.Get(m.issuer + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var doc struct {
		Bound   bool              `json:"tls_client_certificate_bound_access_tokens"`
		Aliases map[string]string `json:"mtls_endpoint_aliases"`
		Methods []string          `json:"token_endpoint_auth_methods_supported"`
	}
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(doc.Methods, " "); !doc.Bound || !strings.Contains(all, " tls_client_auth") || !strings.Contains(all, " self_signed_tls_client_auth") {
		t.Errorf("%+v", doc)
	}
	who := issue(t, nil, nil).over(m.roots)
	for _, name := range []string{"token_endpoint", "pushed_authorization_request_endpoint", "userinfo_endpoint", "introspection_endpoint", "revocation_endpoint"} {
		uri := doc.Aliases[name]
		if !strings.HasPrefix(uri, m.base+"/") {
			t.Errorf("%s is at %q", name, uri)
			continue
		}
		q, err := http.NewRequest(http.MethodPost, uri, bytes.NewReader(nil))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got := m.through(who, q); got.status != http.StatusUnauthorized && got.status != http.StatusBadRequest {
			t.Errorf("%s: %s", name, got)
		}
		delete(doc.Aliases, name)
	}
	if len(doc.Aliases) > 0 {
		t.Errorf("more aliases than are proved: %v", doc.Aliases)
	}
}
