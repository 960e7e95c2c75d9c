package client

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// The members that say which certificate is a client's (RFC 8705 §2.1.2), each
// with the check of its value at registration and the comparison with a
// certificate.
var certificateMembers = []struct {
	name  string
	value func(*Metadata) string
	form  func(string) bool
	names func(*x509.Certificate, string) bool
}{
	{"tls_client_auth_subject_dn", func(m *Metadata) string { return m.TLSClientAuthSubjectDN },
		func(v string) bool { dn, err := parseDN(v); return err == nil && len(dn) > 0 },
		func(c *x509.Certificate, v string) bool {
			want, err := parseDN(v)
			if err != nil {
				return false
			}
			have, err := readDN(c.RawSubject)
			return err == nil && len(want) > 0 && want.equal(have)
		}},
	{"tls_client_auth_san_dns", func(m *Metadata) string { return m.TLSClientAuthSANDNS },
		func(v string) bool { return !strings.ContainsAny(v, "*@/: ") },
		func(c *x509.Certificate, v string) bool { // RFC 4343: host names know no case
			return slices.ContainsFunc(c.DNSNames, func(n string) bool { return strings.EqualFold(n, v) })
		}},
	{"tls_client_auth_san_uri", func(m *Metadata) string { return m.TLSClientAuthSANURI },
		func(v string) bool { u, err := url.Parse(v); return err == nil && u.IsAbs() },
		func(c *x509.Certificate, v string) bool {
			return slices.ContainsFunc(c.URIs, func(u *url.URL) bool { return u.String() == v })
		}},
	{"tls_client_auth_san_ip", func(m *Metadata) string { return m.TLSClientAuthSANIP },
		func(v string) bool { ip, err := netip.ParseAddr(v); return err == nil && ip.Zone() == "" },
		func(c *x509.Certificate, v string) bool {
			want, err := netip.ParseAddr(v)
			if err != nil {
				return false
			}
			for _, ip := range c.IPAddresses {
				if have, ok := netip.AddrFromSlice(ip); ok && have.Unmap() == want.Unmap() {
					return true
				}
			}
			return false
		}},
	{"tls_client_auth_san_email", func(m *Metadata) string { return m.TLSClientAuthSANEmail },
		func(v string) bool { local, host, ok := strings.Cut(v, "@"); return ok && local != "" && host != "" },
		func(c *x509.Certificate, v string) bool {
			return slices.ContainsFunc(c.EmailAddresses, func(have string) bool { return sameMailbox(have, v) })
		}},
}

// sameMailbox: RFC 5280 §7.5: the local part as it is, the host without case.
func sameMailbox(a, b string) bool {
	i, j := strings.LastIndexByte(a, '@'), strings.LastIndexByte(b, '@')
	return i > 0 && j > 0 && a[:i] == b[:j] && strings.EqualFold(a[i:], b[j:])
}

// checkCertificate: RFC 8705 §2.1.2: a client of tls_client_auth says in
// exactly one way which certificate is its own, and no other client does.
func (m *Metadata) checkCertificate() error {
	var said []string
	for _, member := range certificateMembers {
		v := member.value(m)
		if v == "" {
			continue
		}
		if len(v) > maxURI || !member.form(v) {
			return invalid(member.name, "%q is not of its form", v)
		}
		said = append(said, member.name)
	}
	switch {
	case m.TokenEndpointAuthMethod == AuthTLS && len(said) == 0:
		return invalid("tls_client_auth_subject_dn", "is missing, as are its kin tls_client_auth_san_dns, _uri, _ip and _email; tls_client_auth needs exactly one of them")
	case m.TokenEndpointAuthMethod != AuthTLS && len(said) > 0:
		return invalid(said[0], "goes with tls_client_auth alone")
	case len(said) > 1:
		return invalid(said[1], "stands beside %s; give exactly one of them", said[0])
	}
	return nil
}

// OwnsCertificate tells whether the certificate, whose chain was verified, is
// the one that a client of tls_client_auth registered (RFC 8705 §2.1).
func (m *Metadata) OwnsCertificate(c *x509.Certificate) bool {
	for _, member := range certificateMembers {
		if v := member.value(m); v != "" {
			return member.names(c, v) // registration saw to it that there is one
		}
	}
	return false
}

// CertificateThumbprint is x5t#S256 of a certificate (RFC 8705 §3.1).
func CertificateThumbprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
