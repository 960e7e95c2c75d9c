package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kejitong/config"
	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/torch"
	"kejitong/store/storetest"
)

// expected counts the outcomes of a generated file whose platform is there.
func expected(n int, seed uint64) map[string]int64 {
	out := map[string]int64{}
	for i := range n {
		out[string(synthetic{seed: seed}.outcome(i))]++
	}
	return out
}

// An operator plans, brings over, wraps and takes back.
func TestImportTorch(t *testing.T) {
	d := newDesk(t, "")
	const n, seed = 120, 7
	path := filepath.Join(d.dir, "torch.csv")
	d.makes("import", "torch", "--generate", fmt.Sprint(n), "--seed", fmt.Sprint(seed), path)
	want := expected(n, seed)
	for _, code := range torch.Codes() {
		if code.Stored() && want[string(code)] == 0 {
			t.Errorf("the file lacks outcome %s", code)
		}
	}
	var plan importReport
	d.tells(&plan, "import", "torch", "--platform", fmt.Sprint(n), "--seed", fmt.Sprint(seed), path)
	if !maps.Equal(plan.Outcomes, want) || plan.State != torch.Prepared || plan.Rows != n || plan.Bad != 0 {
		t.Fatalf("planned %+v, want %v", plan, want)
	}
	d.refuses("platform", []string{"without any"}, nil, "import", "torch", "--platform", "5", path)
	login := func(i int) (name string, kind account.Kind) {
		g := synthetic{seed: seed}
		name, kind = g.mobile(i), account.NaturalPerson
		if g.unit(i) {
			name, kind = g.uscc(i), account.LegalEntity
		}
		return name, kind
	}
	verify := func(a *app, i int) error {
		name, kind := login(i)
		_, err := a.credentials().Verify(t.Context(), name, synthetic{seed: seed}.password(name), kind, "192.0.2.1")
		return err
	}
	first := map[torch.Code]int{}
	for i := n - 1; i >= 0; i-- {
		first[synthetic{seed: seed}.outcome(i)] = i
	}
	d.inside(func(a *app) {
		if err := verify(a, first[torch.E1]); !fault.Is(err, fault.Unproven) {
			t.Errorf("a plan lets somebody in: %v", err)
		}
	})
	var done importReport
	d.tells(&done, "import", "torch", "--commit", path)
	if !maps.Equal(done.Outcomes, want) || done.State != torch.Committed || done.Made != plan.Made || done.Passwords != done.Made {
		t.Errorf("done %+v, planned %+v", done, plan)
	}
	d.refuses("batch", []string{"committed already"}, nil, "import", "torch", "--commit", path)
	d.refuses("batch", []string{"another file"}, nil, "import", "torch", "--batch", done.Batch, d.file("other.csv", "用户名\n18711111111\n"))
	d.inside(func(a *app) {
		for _, code := range []torch.Code{torch.E1, torch.I1} {
			if err := verify(a, first[code]); err != nil {
				t.Errorf("%s: the kept password does not let its owner in: %v", code, err)
			}
		}
		if err := verify(a, first[torch.I3]); !fault.Is(err, fault.Unproven) {
			t.Errorf("the former password opens somebody else's account: %v", err)
		}
	})
	var wrapped map[string]int64
	d.tells(&wrapped, "import", "wrap")
	if wrapped["wrapped"] != done.Passwords-2 { // two were replaced when their owners came
		t.Errorf("%v, want %d", wrapped, done.Passwords-2)
	}
	d.inside(func(a *app) {
		name, _ := login(first[torch.E4])
		if _, err := a.credentials().Verify(t.Context(), name, synthetic{seed: seed}.password(name), account.NaturalPerson, "192.0.2.1"); err != nil {
			t.Errorf("a wrapped password does not let its owner in: %v", err)
		}
		// Used, and so a batch that stays.
		a.clock = time.Now
		if err := a.db.SetAccountState(t.Context(), must1(a.db.AccountByLogin(t.Context(), strings.ToLower(name))).ID, account.Frozen, audit.Event{Kind: audit.AccountChanged}); err != nil {
			t.Error(err)
		}
	})
	d.refuses("batch", []string{"1 accounts"}, nil, "import", "revert", "--batch", done.Batch)
	var list []batchReport
	d.tells(&list, "import", "list")
	if len(list) != 1 || list[0].State != torch.Committed || list[0].Rows != n {
		t.Errorf("%+v", list)
	}
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Rows that cannot be taken over are reported by number, field and reason, without
// what stands there; the others go on.
func TestImportBadRows(t *testing.T) {
	d := newDesk(t, "\ntorch:\n  columns: [\"代码=user_name\"]\n")
	path := d.file("torch.csv", "\ufeff代码,单位名称,身份证号,密码\n91110108MA01ET88X1,示例,,\n18711111111,,11000019900101003x,plain-secret\n18722222222,,,5f4dcc3b5aa765d61d8327deb882cf99\n18722222222,,,\n")
	d.refuses("column", []string{"HEADING=NAME"}, nil, "import", "torch", "--column", "x=y", path)
	d.refuses("chunk", nil, nil, "import", "torch", "--chunk", "0", path)
	report := filepath.Join(d.dir, "bad.csv")
	var plan importReport
	d.tells(&plan, "import", "torch", "--scheme", "md5", "--bad", report, path)
	if plan.Rows != 1 || plan.Bad != 3 || plan.Outcomes["I1"] != 1 {
		t.Errorf("%+v", plan)
	}
	f, err := os.Open(report)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 4 || rows[1][0] != "2" || rows[1][1] != "user_name" || rows[2][0] != "3" || rows[2][1] != "password_hash" || rows[3][0] != "5" {
		t.Errorf("%q, %v", rows, err)
	}
	for _, row := range rows {
		if strings.Contains(strings.Join(row, ""), "secret") || row[2] == "" {
			t.Errorf("%q", row)
		}
	}
	// Another reading of a batch that is only staged.
	var again importReport
	d.tells(&again, "import", "torch", "--scheme", "sha1", "--again", path)
	if again.Rows != 1 || again.Bad != 3 || again.Passwords != 0 {
		t.Errorf("read again: %+v", again)
	}
	d.refuses("bad", []string{"cannot be made"}, nil, "import", "torch", "--bad", report, path)
	if err := dispatch(t.Context(), []string{"import", "torch", "--config", d.conf, d.file("no.csv", "a,b\n1,2\n")}, io.Discard); err == nil || !strings.Contains(err.Error(), "user_name") {
		t.Errorf("a file without user names: %v", err)
	}
}

const importVariable = "KEJITONG_TEST_IMPORT"

// TestImportProcess is the process that TestImportSurvivesKill kills; among the
// other tests it does nothing.
func TestImportProcess(t *testing.T) {
	args := os.Getenv(importVariable)
	if args == "" {
		return
	}
	if err := dispatch(context.WithoutCancel(t.Context()), strings.Fields(args), io.Discard); err != nil {
		t.Fatal(err)
	}
}

// Killed twenty times in the middle, an import that is started again loses nothing
// and doubles nothing.
func TestImportSurvivesKill(t *testing.T) {
	const n, seed = 1500, 3
	dir := t.TempDir()
	o := storetest.Postgres(t)
	root := make([]byte, 32)
	rand.Read(root) //nolint:errcheck // crypto/rand never fails: it ends the program instead
	r := newRig(t, o, func(c *config.Config) { c.Keys.RootKey = config.NewSecret(root) }, nil)
	write(t, dir, "dsn", o.DSN)
	write(t, dir, "root", encodeKey(root))
	conf := filepath.Join(dir, "kejitong.yaml")
	write(t, dir, "kejitong.yaml", "issuer: http://localhost:8080\nlisten: {address: \"127.0.0.1:8080\", internal_address: \"127.0.0.1:9090\"}\ndatabase: {driver: postgres, dsn_file: "+
		filepath.Join(dir, "dsn")+"}\nkeys: {root_key_file: "+filepath.Join(dir, "root")+"}\n")
	path := filepath.Join(dir, "torch.csv")
	if err := generateTorch(path, n, seed); err != nil {
		t.Fatal(err)
	}
	if err := (synthetic{seed: seed}).platform(t.Context(), r.app, n); err != nil {
		t.Fatal(err)
	}
	kills, staged := 0, int64(0)
	var said bytes.Buffer
	run := func(after time.Duration, commit string) (finished bool) {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestImportProcess$")
		cmd.Env = append(os.Environ(), importVariable+"=import torch --config "+conf+" --chunk 25 --batch b "+commit+" "+path)
		said.Reset()
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		if after > 0 {
			select {
			case err := <-done:
				return err == nil
			case <-time.After(after):
				_ = cmd.Process.Kill() // it may be over
			}
		}
		return <-done == nil
	}
	for kills < 20 {
		if run(time.Duration(250+kills*40)*time.Millisecond, "--commit") {
			break
		}
		kills++
		now := storetest.Count(t, o, `SELECT COUNT(*) FROM torch_records`)
		if now < staged || storetest.Count(t, o, `SELECT COUNT(*) FROM torch_records WHERE decided_at > 0`) > 0 && storetest.Count(t, o, `SELECT COUNT(*) FROM torch_batches WHERE state = 'committed'`) == 0 {
			t.Fatalf("after kill %d: %d staged, %d before", kills, now, staged)
		}
		staged = now
	}
	if storetest.Count(t, o, `SELECT COUNT(*) FROM torch_batches WHERE state = 'committed'`) == 0 && !run(0, "--commit") {
		t.Fatalf("the import does not end: %s", said.String())
	}
	t.Logf("killed %d times", kills)
	if kills < 3 {
		t.Errorf("killed %d times only: the test shows little", kills)
	}
	want := expected(n, seed)
	for code, count := range want {
		if got := storetest.Count(t, o, `SELECT COUNT(*) FROM torch_records WHERE outcome = ? AND decided_at > 0`, code); got != count {
			t.Errorf("%s: %d, want %d", code, got, count)
		}
	}
	made := storetest.Count(t, o, `SELECT COUNT(*) FROM torch_records r JOIN accounts a ON a.id = r.id WHERE r.made`)
	if rows := storetest.Count(t, o, `SELECT COUNT(*) FROM torch_records`); rows != n || made != storetest.Count(t, o, `SELECT COUNT(*) FROM audit WHERE kind = ?`, string(audit.AccountMigrated))-(want["E2"]+want["I2"]+want["I4"]+want["I5"]+want["I6"]) {
		t.Errorf("%d rows, %d accounts made", rows, made)
	}
	if _, err := r.app.credentials().Verify(t.Context(), synthetic{seed: seed}.uscc(25), synthetic{seed: seed}.password(synthetic{seed: seed}.uscc(25)), account.LegalEntity, "192.0.2.1"); err != nil {
		var f *credential.Failure
		t.Errorf("the kept password: %v %v", err, f)
	}
}
