package config_test

import (
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// TestDependenciesAreNoKnownHoles is S91 where the vulnerability database cannot
// be asked: modules below the release that mended a known hole, and modules that
// have no mended release, must not be built in.
func TestDependenciesAreNoKnownHoles(t *testing.T) {
	mended := map[string]string{ // "" where no release is mended
		"github.com/jackc/pgx/v5":             "v5.9.2",
		"github.com/jackc/pgx/v4":             "",
		"github.com/go-jose/go-jose/v3":       "v3.0.5",
		"github.com/go-jose/go-jose/v4":       "v4.1.4",
		"gopkg.in/square/go-jose.v2":          "",
		"gopkg.in/go-jose/go-jose.v2":         "",
		"github.com/golang-jwt/jwt/v5":        "v5.2.2",
		"github.com/golang-jwt/jwt":           "",
		"github.com/dgrijalva/jwt-go":         "",
		"github.com/gorilla/schema":           "v1.4.1",
		"github.com/gorilla/csrf":             "",
		"google.golang.org/protobuf":          "v1.33.0",
		"golang.org/x/crypto":                 "v0.45.0",
		"golang.org/x/net":                    "v0.38.0",
		"google.golang.org/grpc":              "v1.79.3",
		"github.com/go-viper/mapstructure/v2": "v2.4.0",
	}
	file, err := modfile.Parse("go.mod", []byte(readFile(t, "../go.mod")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Require) == 0 {
		t.Fatal("go.mod requires nothing")
	}
	for _, r := range file.Require {
		least, known := mended[r.Mod.Path]
		switch {
		case known && least == "":
			t.Errorf("%s is required; it must not be", r.Mod.Path)
		case known && semver.Compare(r.Mod.Version, least) < 0:
			t.Errorf("%s is %s, want at least %s", r.Mod.Path, r.Mod.Version, least)
		}
	}
}
