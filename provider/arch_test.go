package provider_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The import laws of docs/architecture.md. Each law names who it binds and what
// is forbidden to them; a breach is named with file and import.
var (
	leaves  = []string{"provider/fault", "provider/audit", "provider/outbox", "provider/outbound", "provider/notify"}
	domains = []string{"provider/account", "provider/credential", "provider/session", "provider/token", "provider/keys", "provider/entitlement", "provider/client", "provider/consent", "provider/authflow", "provider/device", "provider/principal", "provider/parting",
		"provider/challenge", "provider/signup", "provider/realname", "provider/document", "provider/recovery", "provider/factor", "provider/operator", "provider/holder", "provider/torch",
		"provider/mandate", "provider/integrator", "provider/diagnosis", "provider/webhook"}
	// kits is what every surface may use beside package web
	kits     = []string{"provider/web/visitor"}
	surfaces = []string{"provider/oidc", "provider/web/interact", "provider/web/enroll", "provider/web/portal", "provider/web/recover", "provider/web/admin", "provider/web/help", "provider/web/lookup", "provider/web/console", "provider/web/api"}
	// what each domain may know beside the leaves
	mayKnow = map[string][]string{
		"provider/account":     {},
		"provider/credential":  {"provider/account"},
		"provider/session":     {"provider/account"},
		"provider/keys":        {},
		"provider/token":       {"provider/account", "provider/keys"},
		"provider/entitlement": {"provider/account"},
		"provider/client":      {"provider/account", "provider/entitlement", "provider/keys"},
		"provider/consent":     {"provider/account"},
		"provider/authflow":    {}, // sees only Facts
		"provider/parting":     {"provider/authflow", "provider/client", "provider/keys", "provider/session"},
		"provider/device":      {"provider/token"},
		"provider/challenge":   {"provider/account"},
		"provider/signup":      {"provider/account", "provider/challenge", "provider/credential"},
		"provider/realname":    {"provider/account", "provider/document"},
		"provider/document":    {"provider/account"},
		"provider/recovery":    {"provider/account", "provider/challenge", "provider/credential", "provider/document", "provider/session"},
		"provider/factor":      {"provider/account", "provider/challenge", "provider/session"},
		"provider/operator":    {"provider/account", "provider/credential", "provider/factor"},
		"provider/holder":      {"provider/account", "provider/challenge", "provider/credential", "provider/realname", "provider/session"},
		"provider/torch":       {"provider/account", "provider/challenge", "provider/credential", "provider/entitlement"},
		"provider/mandate":     {"provider/account", "provider/challenge", "provider/entitlement", "provider/session"},
		"provider/integrator":  {"provider/account", "provider/client", "provider/entitlement"},
		"provider/diagnosis":   {"provider/client"},
		"provider/webhook":     {"provider/account", "provider/client", "provider/entitlement"},
		"provider/principal":   {"provider/account", "provider/client", "provider/consent", "provider/entitlement", "provider/session", "provider/token"},
	}
)

type file struct {
	dir     string // package folder, relative to the module
	name    string
	imports []string
	test    bool
}

func sources(t *testing.T) []file {
	t.Helper()
	var out []file
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "third_party" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		f := file{dir: filepath.ToSlash(strings.TrimPrefix(filepath.Dir(p), "../")), name: d.Name(), test: strings.HasSuffix(p, "_test.go")}
		for _, i := range parsed.Imports {
			s, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, s)
		}
		out = append(out, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 100 {
		t.Fatalf("only %d source files found: the laws would hold vacuously", len(out))
	}
	return out
}

func within(dir string, list ...string) bool {
	return slices.ContainsFunc(list, func(l string) bool { return dir == l || strings.HasPrefix(dir, l+"/") })
}

func TestImportLaws(t *testing.T) {
	const own = "kejitong/"
	standard := func(i string) bool {
		return !strings.Contains(strings.SplitN(i, "/", 2)[0], ".") && !strings.HasPrefix(i, own)
	}
	laws := []struct {
		law    string
		breach func(f file, imported string) bool
	}{
		{"leaves import only the standard library", func(f file, i string) bool {
			return slices.Contains(leaves, f.dir) && !standard(i)
		}},
		{"domains import leaves and the few domains that they must", func(f file, i string) bool {
			if !slices.Contains(domains, f.dir) || !strings.HasPrefix(i, own) {
				return false
			}
			i = strings.TrimPrefix(i, own)
			return !slices.Contains(leaves, i) && !slices.Contains(mayKnow[f.dir], i)
		}},
		{"surfaces import no other surface and no store", func(f file, i string) bool {
			i = strings.TrimPrefix(i, own)
			return slices.Contains(surfaces, f.dir) && (within(i, "store", "config", "cmd") || slices.Contains(surfaces, i) && i != f.dir)
		}},
		{"the web kit imports no domain and no surface", func(f file, i string) bool {
			i = strings.TrimPrefix(i, own)
			return f.dir == "provider/web" && (slices.Contains(domains, i) || slices.Contains(surfaces, i) || within(i, "store", "config", "cmd"))
		}},
		{"fosite only in provider/oidc", func(f file, i string) bool {
			return strings.HasPrefix(i, "github.com/ory/") && f.dir != "provider/oidc"
		}},
		{"SQL and drivers only in store", func(f file, i string) bool {
			return (i == "database/sql" || strings.HasPrefix(i, "github.com/jmoiron/sqlx") || strings.HasPrefix(i, "github.com/lib/pq") || strings.HasPrefix(i, "modernc.org/")) &&
				!within(f.dir, "store") && f.dir != "cmd/bench"
		}},
		{"only cmd imports store", func(f file, i string) bool {
			return strings.HasPrefix(i, own+"store") && !within(f.dir, "store", "cmd")
		}},
		{"only cmd imports config", func(f file, i string) bool {
			return strings.HasPrefix(i, own+"config") && !within(f.dir, "cmd", "config")
		}},
		{"templates know nothing of the provider", func(f file, i string) bool {
			return within(f.dir, "templates") && strings.HasPrefix(i, own) && !strings.HasPrefix(i, own+"templates")
		}},
		{"the demonstration systems use nothing of ours", func(f file, i string) bool {
			return f.dir == "cmd/kejitong/relyingparty" && strings.HasPrefix(i, own)
		}},
		{"randomness comes from crypto/rand", func(f file, i string) bool { return i == "math/rand" || i == "math/rand/v2" && !within(f.dir, "store") }},
	}
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		for _, i := range f.imports {
			for _, l := range laws {
				if l.breach(f, i) {
					t.Errorf("%s: %s imports %s", l.law, path.Join(f.dir, f.name), i)
				}
			}
		}
	}
}

// Packages that are neither leaf, domain nor surface must be named here, so
// that a new one is given a place.
func TestEveryPackageHasAPlace(t *testing.T) {
	for _, f := range sources(t) {
		if !within(f.dir, "provider") || f.dir == "provider" || f.dir == "provider/web" {
			continue
		}
		if !slices.Contains(leaves, f.dir) && !slices.Contains(domains, f.dir) && !slices.Contains(surfaces, f.dir) && !slices.Contains(kits, f.dir) {
			t.Errorf("%s is neither leaf, domain, kit nor surface", f.dir)
		}
	}
}

// Fixed by the owner: what may stand at the top level.
func TestTopLevel(t *testing.T) {
	allowed := []string{"cmd", "provider", "store", "templates", "config", "go.mod", "go.sum", "docker-compose.yml", "README.md", "README.zh-CN.md", "Dockerfile", "docs", "Makefile", "LICENSE", "CHANGELOG.md", "third_party"}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || e.Name() == "bin" || e.Name() == "artifacts" || e.Name() == "kejitong" {
			continue // hidden, or made by make or go build and ignored by git
		}
		if !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s must not stand at the top level", e.Name())
		}
	}
}
