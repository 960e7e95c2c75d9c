package config_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"kejitong/config"
)

// compose is what this test asks of docker-compose.yml.
type compose struct {
	Services map[string]service `yaml:"services"`
	Secrets  map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
	Volumes  map[string]any `yaml:"volumes"`
	Networks map[string]struct {
		Internal bool `yaml:"internal"`
		IPAM     struct {
			Config []struct {
				Subnet string `yaml:"subnet"`
			} `yaml:"config"`
		} `yaml:"ipam"`
	} `yaml:"networks"`
}

type service struct {
	Image       string            `yaml:"image"`
	User        string            `yaml:"user"`
	ReadOnly    bool              `yaml:"read_only"`
	CapDrop     []string          `yaml:"cap_drop"`
	SecurityOpt []string          `yaml:"security_opt"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Secrets     []string          `yaml:"secrets"`
	Volumes     []string          `yaml:"volumes"`
	Ports       []string          `yaml:"ports"`
	Networks    yaml.Node         `yaml:"networks"`
	DependsOn   map[string]any    `yaml:"depends_on"`
}

// ours is the image that the Dockerfile makes.
const ours = "kejitong:local"

// commands are the binary's commands with the flags that compose may use.
var commands = map[string][]string{
	"serve":        {"config"},
	"migrate":      {"config"},
	"doctor":       {"config"},
	"relyingparty": {"name", "code", "issuer", "client-id", "client-secret-file", "base-url", "listen"},
}

func readCompose(t *testing.T) compose {
	t.Helper()
	var c compose
	if err := yaml.Unmarshal([]byte(readFile(t, "../docker-compose.yml")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// flags splits a command into its name and its flags, both spellings.
func (s service) flags(t *testing.T) (name string, flags map[string]string) {
	t.Helper()
	flags = map[string]string{}
	for i := 1; i < len(s.Command); i++ {
		flag, value, joined := strings.Cut(strings.TrimPrefix(s.Command[i], "--"), "=")
		if !joined {
			if i++; i == len(s.Command) {
				t.Fatalf("--%s has no value", flag)
			}
			value = s.Command[i]
		}
		flags[flag] = value
	}
	return s.Command[0], flags
}

// TestComposeSecretsStayInFiles: no secret stands in the file or in any
// environment, each is mounted only where it is used, and none reaches the image.
func TestComposeSecretsStayInFiles(t *testing.T) {
	c := readCompose(t)
	used := map[string]bool{}
	for name, s := range c.Services {
		for variable, value := range s.Environment {
			if regexp.MustCompile(`PASSWORD|SECRET|DSN|KEY|TOKEN`).MatchString(strings.ReplaceAll(variable, "KEYS__", "")) && !strings.HasSuffix(variable, "_FILE") {
				t.Errorf("%s: %s looks like a secret in the environment", name, variable)
			}
			if strings.Contains(value, "://") && strings.Contains(value, "@") {
				t.Errorf("%s: %s carries a password", name, variable)
			}
		}
		text := strings.Join(s.Command, " ")
		for _, value := range s.Environment {
			text += " " + value
		}
		if s.Image != ours && name == "front" {
			text += readFile(t, "deploy/front.conf")
		}
		var mentioned []string
		for _, match := range regexp.MustCompile(`/run/secrets/([a-z_]+)`).FindAllStringSubmatch(text, -1) {
			mentioned = append(mentioned, match[1])
		}
		for _, secret := range mentioned {
			if !slices.Contains(s.Secrets, secret) {
				t.Errorf("%s reads /run/secrets/%s, which is not mounted", name, secret)
			}
		}
		for _, secret := range s.Secrets {
			if _, ok := c.Secrets[secret]; !ok {
				t.Errorf("%s mounts the secret %s, which is not defined", name, secret)
			}
			if !slices.Contains(mentioned, secret) && name != "register" {
				t.Errorf("%s mounts the secret %s and never reads it", name, secret)
			}
			used[secret] = true
		}
	}
	for name, secret := range c.Secrets {
		if !used[name] {
			t.Errorf("nobody uses the secret %s", name)
		}
		if !strings.HasPrefix(secret.File, "./config/deploy/secrets/") {
			t.Errorf("the secret %s lies in %s, where it could be committed", name, secret.File)
		}
	}
	if got := readFile(t, "deploy/.gitignore"); !strings.Contains(got, "/secrets/") {
		t.Error("config/deploy/secrets is not ignored by git")
	}
	if strings.Contains(readFile(t, "../Dockerfile"), "COPY . ") {
		t.Error("the Dockerfile copies everything, secrets included")
	}
}

// TestComposeStarts makes the secrets with the documented command and loads the
// configuration of every service of ours as its container would.
func TestComposeStarts(t *testing.T) {
	c := readCompose(t)
	dir := t.TempDir()
	script, err := filepath.Abs("deploy/secrets.sh")
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command("sh", script, filepath.Join(dir, "secrets"))
	run.Dir = dir
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("secrets.sh (it needs openssl): %v\n%s", err, out)
	}
	secretFile := func(name string) string { return filepath.Join(dir, "secrets", filepath.Base(c.Secrets[name].File)) }
	for name := range c.Secrets {
		info, err := os.Stat(secretFile(name))
		if err != nil {
			t.Errorf("secrets.sh does not make %s: %v", name, err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode().Perm())
		}
	}

	var loaded config.Config
	for name, s := range c.Services {
		if s.Image != ours {
			continue
		}
		command, flags := s.flags(t)
		allowed, ok := commands[command]
		if !ok {
			t.Errorf("%s runs the unknown command %s", name, command)
		}
		for flag := range flags {
			if !slices.Contains(allowed, flag) {
				t.Errorf("%s: %s has no flag --%s", name, command, flag)
			}
		}
		if command == "relyingparty" {
			if len(flags) != len(allowed) {
				t.Errorf("%s: relyingparty lacks some of its flags %v", name, allowed)
			}
			continue
		}
		mounted := strings.Join(s.Volumes, "\n")
		if !strings.Contains(mounted, "./config/deploy/kejitong.yaml:"+flags["config"]+":ro") {
			t.Errorf("%s: %s is not mounted", name, flags["config"])
		}
		var environ []string
		for variable, value := range s.Environment {
			if secret, ok := strings.CutPrefix(value, "/run/secrets/"); ok {
				value = secretFile(secret)
			}
			environ = append(environ, variable+"="+value)
		}
		if loaded, err = config.Load("deploy/kejitong.yaml", environ); err != nil {
			t.Errorf("%s does not start: %v", name, err)
		}
	}

	checkDatabase(t, c, loaded)
	checkTopology(t, c, loaded)
	checkCertificate(t, readFile(t, secretFile("tls_cert")), readFile(t, secretFile("ca")))
}

// checkDatabase: the DSN that secrets.sh writes is the database that compose starts.
func checkDatabase(t *testing.T, c compose, loaded config.Config) {
	t.Helper()
	dsn, err := url.Parse(loaded.Database.DSN.Text())
	if err != nil {
		t.Fatal(err)
	}
	database, ok := c.Services[dsn.Hostname()]
	if !ok || dsn.Port() != "5432" {
		t.Fatalf("the DSN names %s, which is no service's PostgreSQL", dsn.Host)
	}
	if dsn.User.Username() != database.Environment["POSTGRES_USER"] || dsn.Path != "/"+database.Environment["POSTGRES_DB"] {
		t.Error("the DSN names another role or database than the one that is made")
	}
	for _, volume := range database.Volumes {
		if _, ok := c.Volumes[strings.Split(volume, ":")[0]]; !ok {
			t.Errorf("the volume %s is not defined", volume)
		}
	}
	if len(database.Ports) != 0 || !c.Networks["inner"].Internal || !slices.Equal(networksOf(database), []string{"inner"}) {
		t.Error("the database can be reached from outside")
	}
}

// networksOf lists a service's networks, in either notation.
func networksOf(s service) []string {
	var names []string
	switch s.Networks.Kind {
	case yaml.SequenceNode:
		for _, n := range s.Networks.Content {
			names = append(names, n.Value)
		}
	case yaml.MappingNode:
		for i := 0; i < len(s.Networks.Content); i += 2 {
			names = append(names, s.Networks.Content[i].Value)
		}
	}
	return names
}
