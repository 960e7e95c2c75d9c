package config

import (
	"net/url"
	"strings"
)

func (c Config) checkMTLS(p *Problems) {
	m := c.Listen.MTLS
	if m.Address != "" {
		_, port, ok := hostPort(m.Address)
		_, public, _ := hostPort(c.Listen.Address)
		_, internal, _ := hostPort(c.Listen.InternalAddress)
		switch {
		case !ok:
			p.add("listen.mtls.address", m.Address, `is not host:port, such as ":9443"`)
		case port != "0" && (port == public || port == internal):
			p.add("listen.mtls.address", m.Address, "has the port of another listener; browsers must not be asked for certificates, choose another port")
		case !c.Listen.Pair().Enabled():
			p.add("listen.mtls.address", m.Address, "needs a certificate: set listen.mtls.cert_file and key_file, or those of listen.tls")
		}
	}
	switch {
	case m.CertFile != "" && m.KeyFile == "":
		p.add("listen.mtls.key_file", "", "is missing beside listen.mtls.cert_file")
	case m.KeyFile != "" && m.CertFile == "":
		p.add("listen.mtls.cert_file", "", "is missing beside listen.mtls.key_file")
	}
	switch u, err := url.Parse(m.PublicURL); {
	case m.PublicURL == "" && m.Address != "":
		p.add("listen.mtls.public_url", "", "is missing beside listen.mtls.address; clients find the listener by it")
	case m.PublicURL == "":
	case err != nil, u.Scheme != "https", u.Host == "", u.User != nil, u.Path != "", strings.ContainsAny(m.PublicURL, "?#"):
		p.add("listen.mtls.public_url", m.PublicURL, "is not scheme, host and port alone, such as https://mtls.sso.example.gov.cn")
	case !m.Enabled():
		p.add("listen.mtls.public_url", m.PublicURL, "has nothing behind it; set listen.mtls.address or listen.mtls.proxy_header")
	}
	if m.ProxyHeader != "" {
		switch {
		case strings.Trim(m.ProxyHeader, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") != "":
			p.add("listen.mtls.proxy_header", m.ProxyHeader, "is not the name of a header, such as Client-Cert")
		case len(c.Listen.TrustedProxies) == 0:
			p.add("listen.mtls.proxy_header", m.ProxyHeader, "is believed from trusted proxies alone; name them in listen.trusted_proxies")
		}
	}
	oneOf(p, "listen.mtls.proxy_header_form", m.ProxyHeaderForm, "rfc9440", "pem")
	if m.ClientCAFile != "" && !m.Enabled() {
		p.add("listen.mtls.client_ca_file", m.ClientCAFile, "is of no use without listen.mtls.address or listen.mtls.proxy_header")
	}
}
