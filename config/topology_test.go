package config_test

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kejitong/config"
)

// checkTopology: names, ports and networks agree between issuer, front and systems.
func checkTopology(t *testing.T, c compose, loaded config.Config) {
	t.Helper()
	front := c.Services["front"]
	var edge struct {
		Edge struct {
			Address string   `yaml:"ipv4_address"`
			Aliases []string `yaml:"aliases"`
		} `yaml:"edge"`
	}
	if err := front.Networks.Decode(&edge); err != nil {
		t.Fatal(err)
	}
	subnet, err := netip.ParsePrefix(c.Networks["edge"].IPAM.Config[0].Subnet)
	if err != nil || !subnet.Contains(netip.MustParseAddr(edge.Edge.Address)) {
		t.Errorf("the front's address %s is not in %s", edge.Edge.Address, subnet)
	}
	if want := []netip.Prefix{netip.MustParsePrefix(edge.Edge.Address + "/32")}; !slices.Equal(loaded.Listen.TrustedProxies, want) {
		t.Errorf("trusted proxies are %v, want the front alone %v", loaded.Listen.TrustedProxies, want)
	}

	upstreams := frontHosts(t)
	_, port, err := net.SplitHostPort(loaded.Listen.Address)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := url.Parse(loaded.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{issuer.Hostname(): "kejitong:" + port}
	var outbound []string
	for name, s := range c.Services {
		if s.Image != ours || s.Command[0] != "relyingparty" {
			continue
		}
		_, flags := s.flags(t)
		base, err := url.Parse(flags["base-url"])
		if err != nil {
			t.Fatal(err)
		}
		if flags["issuer"] != loaded.Issuer {
			t.Errorf("%s signs in at %s, not at %s", name, flags["issuer"], loaded.Issuer)
		}
		if base.Port() != issuer.Port() {
			t.Errorf("%s is at port %s, the front at %s", name, base.Port(), issuer.Port())
		}
		want[base.Hostname()] = name + flags["listen"]
		outbound = append(outbound, base.Host)
		register := readFile(t, "deploy/register.sh")
		for _, part := range []string{flags["client-id"], flags["name"], flags["code"], base.Host, filepath.Base(flags["client-secret-file"])} {
			if !regexp.MustCompile(`(?m)^register .*` + regexp.QuoteMeta(part)).MatchString(register) {
				t.Errorf("register.sh does not say %s of %s", part, name)
			}
		}
	}
	for host, upstream := range want {
		if upstreams[host] != upstream {
			t.Errorf("the front sends %s to %q, want %q", host, upstreams[host], upstream)
		}
		if !slices.Contains(edge.Edge.Aliases, host) {
			t.Errorf("containers cannot reach %s: no alias of the front", host)
		}
	}
	if len(upstreams) != len(want) || len(edge.Edge.Aliases) != len(want) {
		t.Errorf("the front serves %v and is called %v, want exactly %v", upstreams, edge.Edge.Aliases, want)
	}
	slices.Sort(outbound)
	if allowed := slices.Sorted(slices.Values(loaded.Clients.OutboundAllow)); !slices.Equal(allowed, outbound) {
		t.Errorf("outbound calls allowed to %v, the systems are %v", allowed, outbound)
	}

	for name, s := range c.Services {
		if (len(s.Ports) > 0) != (name == "front") {
			t.Errorf("%s publishes %v; only the front is a door", name, s.Ports)
		}
		for dependency := range s.DependsOn {
			if _, ok := c.Services[dependency]; !ok {
				t.Errorf("%s depends on %s, which is no service", name, dependency)
			}
		}
		for _, network := range networksOf(s) {
			if _, ok := c.Networks[network]; !ok {
				t.Errorf("%s is in the network %s, which is not defined", name, network)
			}
		}
		for _, volume := range s.Volumes {
			if source, _, _ := strings.Cut(volume, ":"); strings.HasPrefix(source, "./") {
				if _, err := os.Stat(filepath.Join("..", source)); err != nil {
					t.Errorf("%s mounts %s: %v", name, source, err)
				}
			}
		}
		if name != "database" && (!s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || len(s.SecurityOpt) == 0 || !strings.Contains(s.User, "65532")) {
			t.Errorf("%s has more rights than it needs", name)
		}
	}
	if got, want := front.Ports, []string{"127.0.0.1:" + issuer.Port() + ":" + issuer.Port()}; !slices.Equal(got, want) {
		t.Errorf("the front publishes %v, want %v", got, want)
	}
	if conf := readFile(t, "deploy/front.conf"); strings.Count(conf, "listen "+issuer.Port()+" ssl") != len(want)+1 {
		t.Errorf("the front does not listen on %s for each of its names", issuer.Port())
	}
	checkDockerfile(t, loaded)
}

// frontHosts reads which name front.conf sends where.
func frontHosts(t *testing.T) map[string]string {
	t.Helper()
	conf := readFile(t, "deploy/front.conf")
	named := map[string]string{}
	for _, m := range regexp.MustCompile(`upstream (\w+) \{\s*server ([^;]+);`).FindAllStringSubmatch(conf, -1) {
		named[m[1]] = m[2]
	}
	hosts := map[string]string{}
	for _, m := range regexp.MustCompile(`(?s)server_name ([^;]+);.*?proxy_pass http://([^;]+);`).FindAllStringSubmatch(conf, -1) {
		target := m[2]
		if upstream, ok := named[target]; ok {
			target = upstream
		}
		hosts[m[1]] = target
	}
	return hosts
}

// checkCertificate: the pair of secrets.sh is good for every name of the front.
func checkCertificate(t *testing.T, chain, authority string) {
	t.Helper()
	block, _ := pem.Decode([]byte(chain))
	if block == nil {
		t.Fatal("tls.pem is not PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(authority)) {
		t.Fatal("ca.pem holds no certificate")
	}
	for host := range frontHosts(t) {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
			t.Errorf("the certificate does not serve %s: %v", host, err)
		}
	}
}

// checkDockerfile: the image opens the ports that the configuration listens on,
// runs what compose runs, without rights, and holds every package.
func checkDockerfile(t *testing.T, loaded config.Config) {
	t.Helper()
	text := readFile(t, "../Dockerfile")
	exposed := strings.Fields(regexp.MustCompile(`(?m)^EXPOSE (.*)$`).FindStringSubmatch(text)[1])
	var listened []string
	for _, address := range []string{config.Default().Listen.Address, loaded.Listen.Address, config.Default().Listen.InternalAddress} {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		listened = append(listened, port)
	}
	if !slices.Equal(exposed, listened) {
		t.Errorf("EXPOSE %v, the configuration listens on %v", exposed, listened)
	}
	final := text[strings.LastIndex(text, "\nFROM "):]
	for _, want := range []string{"USER 65532:65532", `"--config", "/etc/kejitong/kejitong.yaml"]`, "HEALTHCHECK", `ENTRYPOINT ["/kejitong"]`} {
		if !strings.Contains(final, want) {
			t.Errorf("the final image lacks %s", want)
		}
	}
	if !strings.Contains(text, "CGO_ENABLED=0 go build") {
		t.Error("the image's binary needs a C library, and there is none in it")
	}
	gomod := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(readFile(t, "../go.mod"))[1]
	if !strings.Contains(text, "FROM golang:"+gomod+"-") {
		t.Errorf("the image is not built with Go %s", gomod)
	}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		hidden := strings.HasPrefix(entry.Name(), ".")
		if entry.IsDir() && !hidden && holdsGo(t, filepath.Join("..", entry.Name())) && !strings.Contains(text, "COPY "+entry.Name()) {
			t.Errorf("the Dockerfile does not copy %s", entry.Name())
		}
	}
}

// holdsGo tells whether there is Go code below dir.
func holdsGo(t *testing.T, dir string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") {
			found = true
			return filepath.SkipAll
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
