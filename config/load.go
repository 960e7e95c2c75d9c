package config

import (
	"errors"
	"io/fs"
	"sort"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// envPrefix starts every variable that is a key of the configuration.
const envPrefix = "KEJITONG_"

// testPrefix starts the variables of the test environment, which are no keys.
const testPrefix = envPrefix + "TEST_"

// credentialsVariable is where systemd says the directory of credentials is.
const credentialsVariable = "CREDENTIALS_DIRECTORY"

// Load reads the YAML file at path ("" for none), then environ (as os.Environ
// gives it) over it, then the files of secrets, and validates the whole. The
// error is Problems with every reason not to start; the Config beside it holds
// whatever could be read, for a diagnosis.
//
// An empty variable counts as absent. A key that does not exist is refused,
// since a misspelt limit is no limit.
func Load(path string, environ []string) (Config, error) {
	c := Default()
	var problems Problems

	k := koanf.New(".")
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			problems.add("", "", unreadable(path, err))
			return c, problems.err()
		}
	}
	if err := k.Load(environment(environ), nil); err != nil {
		problems.add("", "", "the environment cannot be read: "+err.Error())
		return c, problems.err()
	}
	decode(&c, k.All(), &problems)
	readSecrets(&c, variable(environ, credentialsVariable), &problems)
	c.check(&problems)
	return c, inOrder(problems).err()
}

// environment turns KEJITONG_LISTEN__TLS__CERT_FILE into listen.tls.cert_file.
func environment(environ []string) *env.Env {
	return env.Provider(".", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			if value == "" || strings.HasPrefix(name, testPrefix) {
				return "", nil
			}
			name = strings.TrimPrefix(name, envPrefix)
			return strings.ToLower(strings.ReplaceAll(name, "__", ".")), value
		},
	})
}

// decode puts the raw values into c and refuses keys that are none.
func decode(c *Config, raw map[string]any, problems *Problems) {
	fields := fieldsOf(c)
	known := map[string]bool{}
	for _, f := range fields {
		known[f.key] = true
		value, ok := raw[f.key]
		if !ok || value == nil {
			continue
		}
		before := f.text()
		if wrong := f.set(value); wrong != "" {
			shown, _ := value.(string)
			if f.isSecretFile() {
				shown = ""
			}
			problems.add(f.key, shown, wrong)
			continue
		}
		// Somebody who pastes the secret itself must not find it in a log.
		if f.isSecretFile() && looksPasted(f.value.String()) {
			f.value.SetString(before)
			problems.add(f.key, "", "holds the secret itself; write the secret to a file of mode 0600 and name that file here")
		}
	}
	for key, value := range raw {
		switch {
		case known[key] || value == nil && isSection(key, known) || isEmptySection(value) && isSection(key, known):
		case known[key+"_file"]:
			problems.add(key, "", "a secret stands neither in the YAML file nor in the environment; write it to a file of mode 0600 and set "+key+"_file")
		case isSection(key, known):
			problems.add(key, "", "is a section, not a value; write its keys below it")
		default:
			// The value is not shown: a misspelt secret is still a secret.
			problems.add(key, "", "no such key"+suggestion(key, known)+"; config/example.yaml lists them all")
		}
	}
}

// isSection tells whether keys stand below key.
func isSection(key string, known map[string]bool) bool {
	for k := range known {
		if strings.HasPrefix(k, key+".") {
			return true
		}
	}
	return false
}

func isEmptySection(value any) bool {
	m, ok := value.(map[string]any)
	return ok && len(m) == 0
}

// suggestion names the known key that ends like key, if just one does.
func suggestion(key string, known map[string]bool) string {
	last := key[strings.LastIndex(key, ".")+1:]
	var like []string
	for k := range known {
		if k[strings.LastIndex(k, ".")+1:] == last {
			like = append(like, k)
		}
	}
	if len(like) != 1 {
		return ""
	}
	return " (is " + like[0] + " meant?)"
}

// inOrder sorts problems by the order of the keys in the file; those of
// unknown keys come last, by name.
func inOrder(problems Problems) Problems {
	var c Config
	position := map[string]int{"": -1}
	fields := fieldsOf(&c)
	for i, f := range fields {
		position[f.key] = i
	}
	rank := func(key string) int {
		if at, ok := position[key]; ok {
			return at
		}
		return len(fields)
	}
	sort.SliceStable(problems, func(i, j int) bool {
		a, b := problems[i], problems[j]
		if rank(a.Key) != rank(b.Key) {
			return rank(a.Key) < rank(b.Key)
		}
		return a.Key < b.Key
	})
	return problems
}

// unreadable explains why the YAML file cannot be read. The parser's own words
// may quote the file's content, and so are not passed on beyond the line.
func unreadable(path string, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "the file " + path + " does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "the file " + path + " may not be read by this user"
	}
	where := ""
	if at := strings.Index(err.Error(), "line "); at >= 0 {
		rest := err.Error()[at+len("line "):]
		end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if end > 0 {
			where = " (line " + rest[:end] + ")"
		}
	}
	return "the file " + path + " is not valid YAML" + where
}

// variable finds a variable in environ; the last one counts, as in a shell.
func variable(environ []string, name string) string {
	value := ""
	for _, one := range environ {
		if n, v, ok := strings.Cut(one, "="); ok && n == name {
			value = v
		}
	}
	return value
}
