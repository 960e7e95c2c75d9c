package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"

	"kejitong/provider/fault"
)

func asFault(err error, f **fault.Error) bool { return errors.As(err, f) }

// issued makes a certificate with the subject, in the certificate's order.
func issued(t testing.TB, subject pkix.RDNSequence, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := asn1.Marshal(subject)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), RawSubject: raw, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	if change != nil {
		change(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rdn(parts ...any) (set pkix.RelativeDistinguishedNameSET) {
	for i := 0; i < len(parts); i += 2 {
		set = append(set, pkix.AttributeTypeAndValue{Type: parts[i].(asn1.ObjectIdentifier), Value: parts[i+1]})
	}
	return set
}

var (
	cn = asn1.ObjectIdentifier{2, 5, 4, 3}
	co = asn1.ObjectIdentifier{2, 5, 4, 6}
	og = asn1.ObjectIdentifier{2, 5, 4, 10}
	ou = asn1.ObjectIdentifier{2, 5, 4, 11}
)

// RFC 8705 §2.1.2, RFC 4514: a registered name is the certificate's, part by
// part, or it is not; how it is written is another matter.
func TestSubjectOfACertificate(t *testing.T) {
	plain := issued(t, pkix.RDNSequence{rdn(co, "CN"), rdn(og, "科技厅"), rdn(ou, "Unit, One"), rdn(cn, "rp.example.cn")}, nil)
	several := issued(t, pkix.RDNSequence{rdn(og, "A"), rdn(cn, "x", ou, "y")}, nil)
	odd := issued(t, pkix.RDNSequence{rdn(cn, ` #a+b"c\d<e>;= `)}, nil)
	for _, c := range []struct {
		name string
		cert *x509.Certificate
		dn   string
		same bool
	}{
		{"a part less", plain, `CN=rp.example.cn,OU=Unit\, One,O=科技厅`, false},
		{"a part more", plain, `CN=x,CN=rp.example.cn,OU=Unit\, One,O=科技厅,C=CN`, false},
		{"the certificate's order", plain, `C=CN,O=科技厅,OU=Unit\, One,CN=rp.example.cn`, false},
		{"another value", plain, `CN=rp.example.cn.evil,OU=Unit\, One,O=科技厅,C=CN`, false},
		{"a value that begins so", plain, `CN=rp.example,OU=Unit\, One,O=科技厅,C=CN`, false},
		{"another type", plain, `OU=rp.example.cn,OU=Unit\, One,O=科技厅,C=CN`, false},
		{"comma not escaped", plain, `CN=rp.example.cn,OU=Unit, One,O=科技厅,C=CN`, false},
		{"joined by +", plain, `CN=rp.example.cn+OU=Unit\, One,O=科技厅,C=CN`, false},
		{"apart what is joined", several, `CN=x,OU=y,O=A`, false},
		{"empty", plain, ``, false},
		{"an empty part", plain, `CN=rp.example.cn,,OU=Unit\, One,O=科技厅,C=CN`, false},
		{"a comma at the end", plain, `CN=rp.example.cn,OU=Unit\, One,O=科技厅,C=CN,`, false},
		{"unknown type", plain, `XX=rp.example.cn,OU=Unit\, One,O=科技厅,C=CN`, false},
		{"half an escape", plain, `CN=rp.example.cn,OU=Unit\, One,O=科技厅,C=CN\`, false},
		{"quotes", plain, `CN="rp.example.cn",OU=Unit\, One,O=科技厅,C=CN`, false},

		{"RFC 4514", plain, `CN=rp.example.cn,OU=Unit\, One,O=科技厅,C=CN`, true},
		{"comma in hexadecimal", plain, `CN=rp.example.cn,OU=Unit\2c One,O=科技厅,C=CN`, true},
		{"UTF-8 in hexadecimal", plain, `CN=rp.example.cn,OU=Unit\, One,O=\E7\A7\91\E6\8A\80\E5\8E\85,C=CN`, true},
		{"blanks behind commas", plain, `CN=rp.example.cn, OU=Unit\, One, O=科技厅, C=CN`, true},
		{"types in small letters", plain, `cn=rp.example.cn,ou=Unit\, One,o=科技厅,c=CN`, true},
		{"types as numbers", plain, `2.5.4.3=rp.example.cn,2.5.4.11=Unit\, One,2.5.4.10=科技厅,2.5.4.6=CN`, true},
		{"case and blanks of values", plain, `CN=RP.example.CN,OU=unit\,  ONE,O=科技厅,C=cn`, true}, // RFC 4517 §4.2.11
		{"encoded value", plain, `CN=#0c0d72702e6578616d706c652e636e,OU=Unit\, One,O=科技厅,C=CN`, true},
		{"joined by +, turned", several, `OU=y+CN=x,O=A`, true},
		{"everything escaped", odd, `CN=\ \#a\+b\"c\\d\<e\>\;\=\ `, true},
	} {
		m := Metadata{TLSClientAuthSubjectDN: c.dn}
		if got := m.OwnsCertificate(c.cert); got != c.same {
			t.Errorf("%s: %q is the name: %v, want %v", c.name, c.dn, got, c.same)
		}
	}
	for _, s := range []string{plain.Subject.String(), several.Subject.String()} { // as Go writes it
		if _, err := parseDN(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// RFC 8705 §2.1.2: the other names.
func TestAlternativeNamesOfACertificate(t *testing.T) {
	u, err := url.Parse("https://rp.example.cn/client")
	if err != nil {
		t.Fatal(err)
	}
	cert := issued(t, pkix.RDNSequence{rdn(cn, "subject.example.cn")}, func(c *x509.Certificate) {
		c.DNSNames, c.URIs, c.IPAddresses, c.EmailAddresses = []string{"a.example.cn", "RP.example.cn"}, []*url.URL{u}, []net.IP{net.ParseIP("10.0.0.1"), net.ParseIP("fd00::1")}, []string{"Ops@rp.example.cn"}
	})
	for _, c := range []struct {
		m    Metadata
		same bool
	}{
		{Metadata{}, false},
		{Metadata{TLSClientAuthSANDNS: "subject.example.cn"}, false}, // the CN is no alternative name
		{Metadata{TLSClientAuthSANDNS: "example.cn"}, false},
		{Metadata{TLSClientAuthSANDNS: "x.rp.example.cn"}, false},
		{Metadata{TLSClientAuthSANURI: "https://rp.example.cn/Client"}, false},
		{Metadata{TLSClientAuthSANIP: "10.0.0.2"}, false},
		{Metadata{TLSClientAuthSANEmail: "ops@rp.example.cn"}, false},
		{Metadata{TLSClientAuthSANEmail: "Ops@evil.cn"}, false},
		{Metadata{TLSClientAuthSANDNS: "rp.EXAMPLE.cn"}, true},
		{Metadata{TLSClientAuthSANURI: "https://rp.example.cn/client"}, true},
		{Metadata{TLSClientAuthSANIP: "10.0.0.1"}, true},
		{Metadata{TLSClientAuthSANIP: "FD00:0::1"}, true},
		{Metadata{TLSClientAuthSANEmail: "Ops@RP.example.cn"}, true},
	} {
		if got := c.m.OwnsCertificate(cert); got != c.same {
			t.Errorf("%+v: %v, want %v", c.m, got, c.same)
		}
	}
}

// RFC 8705 §2.1.2: exactly one way to say it, and only where it is asked for.
func TestCertificateMetadata(t *testing.T) {
	for _, c := range []struct {
		name, field string
		change      func(*Metadata)
	}{
		{"nothing said", "tls_client_auth_subject_dn", func(m *Metadata) {}},
		{"two", "tls_client_auth_san_ip", func(m *Metadata) { m.TLSClientAuthSANDNS, m.TLSClientAuthSANIP = "a.cn", "10.0.0.1" }},
		{"no name", "tls_client_auth_subject_dn", func(m *Metadata) { m.TLSClientAuthSubjectDN = "rp.example.cn" }},
		{"wildcard", "tls_client_auth_san_dns", func(m *Metadata) { m.TLSClientAuthSANDNS = "*.example.cn" }},
		{"no address", "tls_client_auth_san_ip", func(m *Metadata) { m.TLSClientAuthSANIP = "10.0.0" }},
		{"no URI", "tls_client_auth_san_uri", func(m *Metadata) { m.TLSClientAuthSANURI = "rp" }},
		{"no mailbox", "tls_client_auth_san_email", func(m *Metadata) { m.TLSClientAuthSANEmail = "ops" }},
		{"another method", "tls_client_auth_san_dns", func(m *Metadata) {
			m.TokenEndpointAuthMethod, m.TLSClientAuthSANDNS = AuthBasic, "a.cn"
		}},
		{"own certificate without keys", "jwks", func(m *Metadata) { m.TokenEndpointAuthMethod = AuthSelfSigned }},
		{"", "", func(m *Metadata) { m.TLSClientAuthSubjectDN = "CN=rp,C=CN" }},
	} {
		m := Metadata{Name: "高企认定", RedirectURIs: []string{"https://rp.example.cn/cb"}, TokenEndpointAuthMethod: AuthTLS}
		c.change(&m)
		_, err := m.Normalise()
		var f *fault.Error
		if c.name == "" {
			if err != nil {
				t.Error(err)
			}
		} else if !asFault(err, &f) || f.Field != c.field {
			t.Errorf("%s: %v, want a fault of %s", c.name, err, c.field)
		}
	}
}

// FuzzParseDN: whatever is registered, reading ends, and reads the same twice.
func FuzzParseDN(f *testing.F) {
	for _, s := range []string{`CN=a,O=b+OU=c`, `2.5.4.3=#0c0161`, `CN=\2c\,`, `CN=`, `,`, `=`, `CN=a\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		one, err := parseDN(s)
		if err != nil {
			return
		}
		two, err := parseDN(s)
		if err != nil || !one.equal(two) {
			t.Errorf("%q reads as %v and %v", s, one, two)
		}
	})
}
