package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/store/storetest"
)

// The benchmark runs itself as a hello server; under test that is this binary.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == helloWord {
		fail(serveHello(os.Stdout))
		return
	}
	os.Exit(m.Run())
}

// once is one pass of every row with a few accounts: whether it is right, not
// how fast it is.
func once(t *testing.T, database string) options {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return options{databases: []string{database}, workers: 2, passes: 1, warmUp: 10 * time.Millisecond, period: time.Second, accounts: minAccounts, others: 20, root: root}
}

func TestEveryRowOnSQLite(t *testing.T) {
	r, err := run(t.Context(), once(t, "sqlite"), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	p := r.parts[0]
	if len(p.results) != 11 || len(p.pressure) != 3 {
		t.Fatalf("%d rows and %d under pressure, want 11 and 3", len(p.results), len(p.pressure))
	}
	text := r.markdown()
	for _, res := range p.results {
		if res.done != 2 || res.shed != 0 {
			t.Errorf("%s: %d done and %d refused, want 2 and none", res.row.name, res.done, res.shed)
		}
		if !strings.Contains(text, "| "+res.row.name+" |") {
			t.Errorf("the report says nothing of %q", res.row.name)
		}
	}
}

// What each request costs the database, as the running server spends it.
func TestStatementsOfEachStepOnPostgres(t *testing.T) {
	o := once(t, "postgres")
	o.postgres = storetest.Postgres(t).DSN
	r, err := run(t.Context(), o, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"authorize": 2, "token, authorization_code": 2, "token, refresh_token": 2, "token, client_credentials": 0, "introspect": 1, "userinfo": 1, "POST /login": 4,
	}
	if len(r.parts[0].steps) != len(want) {
		t.Fatalf("%d steps, want %d", len(r.parts[0].steps), len(want))
	}
	for _, s := range r.parts[0].steps {
		// The server's own work in the background (version of the clients, outbox,
		// chain of the trail) adds a little, and takes nothing away; in the time that
		// a password takes it adds more. TestStatementsPerStep counts exactly.
		more := .7
		if s.name == "POST /login" {
			more = 2
		}
		if s.statements < want[s.name]-.3 || s.statements >= want[s.name]+more {
			t.Errorf("%s: %.2f statements, want %.0f", s.name, s.statements, want[s.name])
		}
	}
}

func TestWrongAnswersStopTheRun(t *testing.T) {
	failing := []struct {
		name string
		a    answer
		read func(a *answer) error
	}{
		{"an error instead of tokens", answer{status: 400, body: []byte(`{"error":"invalid_grant"}`)}, func(a *answer) error { _, err := threeTokens(a); return err }},
		{"200 without an ID token", answer{status: 200, body: []byte(`{"access_token":"a","refresh_token":"b"}`)}, func(a *answer) error { _, err := threeTokens(a); return err }},
		{"an error at the client's address", answer{status: 303, location: "https://rp.example/cb?error=login_required&state=s"}, readCode},
		{"somebody else's state", answer{status: 303, location: "https://rp.example/cb?code=c&state=t&iss=i"}, readCode},
		{"the sign-in page", answer{status: 303, location: "/login?interaction=i"}, readCode},
	}
	for _, f := range failing {
		if err := f.read(&f.a); err == nil {
			t.Errorf("%s: taken for a success", f.name)
		}
	}
	good := answer{status: 303, location: "https://rp.example/cb?code=c&state=s&iss=i"}
	if err := readCode(&good); err != nil {
		t.Errorf("a code: %v", err)
	}
}

func readCode(a *answer) error {
	_, err := request{c: relying{redirect: "https://rp.example/cb"}, state: "s"}.code(a)
	return err
}

func TestSeededNamesAreValid(t *testing.T) {
	seen := map[string]bool{}
	for n := range 500 {
		login := loginOf(n)
		if legal, _ := kindOf(n); legal {
			if _, err := account.ParseUSCC(login); err != nil {
				t.Errorf("unit %d: %s: %v", n, login, err)
			}
		}
		if seen[login] {
			t.Errorf("login name %s twice", login)
		}
		seen[login] = true
	}
}

func TestFiguresReplaceOnlyFigures(t *testing.T) {
	if _, err := replaceFigures("a document without marks", figuresBegin, figuresEnd, "x"); err == nil {
		t.Error("figures found a place in a document that has none")
	}
	text, err := replaceFigures("words\n"+figuresBegin+"old"+figuresEnd+"more words\n", figuresBegin, figuresEnd, "new")
	if err != nil || strings.Contains(text, "old") || !strings.Contains(text, "new") || !strings.HasPrefix(text, "words\n") || !strings.HasSuffix(text, "more words\n") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestImportsAreReadFromTheFlag(t *testing.T) {
	both := []string{"postgres", "sqlite"}
	got, err := importings("100000,postgres=1000000", both)
	want := []importing{{"postgres", 100_000}, {"sqlite", 100_000}, {"postgres", 1_000_000}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, flag := range []string{"", "x", "10", "mysql=100000", "postgres=", "100000,,", "99999999999999999999"} {
		if _, err := importings(flag, both); err == nil {
			t.Errorf("-import %q is taken", flag)
		}
	}
	for n, want := range map[float64]string{7: "7.0", 123: "123", 1234: "1,234", 1e6: "1,000,000", 123456789: "123,456,789"} {
		if got := number(n); got != want {
			t.Errorf("%v is written %s", n, got)
		}
	}
}
