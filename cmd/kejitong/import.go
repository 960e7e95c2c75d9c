package main

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/torch"
)

// importCommand brings accounts of the former platform over.
func importCommand(ctx context.Context, args []string, out io.Writer) error {
	return choose(ctx, "import", []command{
		{"torch", "plan, and with --commit bring over, the accounts of a file: --config FILE [--commit] FILE; --generate N makes a file", importTorch},
		{"revert", "take a batch back whose accounts nobody used yet: --config FILE --batch ID", importRevert},
		{"list", "list the batches: --config FILE", importList},
		{"wrap", "wrap the passwords that were brought over, as the service does by itself: --config FILE", importWrap},
	}, args, out)
}

// headings of the former platform's exports, and of ours, by column.
var headings = map[string]string{
	"类型": torch.ColumnKind, "账号类型": torch.ColumnKind, "用户类型": torch.ColumnKind,
	"用户名": torch.ColumnKey, "登录名": torch.ColumnKey, "统一社会信用代码": torch.ColumnKey,
	"单位名称": torch.ColumnUnitName, "企业名称": torch.ColumnUnitName,
	"联系人": torch.ColumnContact, "姓名": torch.ColumnContact,
	"手机号": torch.ColumnMobile, "手机号码": torch.ColumnMobile, "联系电话": torch.ColumnMobile,
	"身份证号": torch.ColumnIDNumber, "身份证号码": torch.ColumnIDNumber,
	"邮箱": torch.ColumnEmail, "电子邮箱": torch.ColumnEmail,
	"密码": torch.ColumnHash, "密码散列": torch.ColumnHash, "算法": torch.ColumnScheme, "盐": torch.ColumnSalt, "迭代次数": torch.ColumnCost,
	"注册时间": torch.ColumnCreated, "最近登录": torch.ColumnLastSeen, "最后登录时间": torch.ColumnLastSeen,
}

// columnsOf maps the cells of the heading to our names; extra are "heading=name".
func columnsOf(cells []string, extra []string) ([]string, error) {
	names := map[string]string{}
	for heading, name := range headings {
		names[heading] = name
	}
	known := map[string]bool{}
	for _, name := range torch.Columns() {
		names[name], known[name] = name, true
	}
	for _, e := range extra {
		heading, name, ok := strings.Cut(e, "=")
		if !ok || !known[name] {
			return nil, refuse("column", e, "write HEADING=NAME with one of the names "+strings.Join(torch.Columns(), ", "))
		}
		names[strings.TrimSpace(heading)] = name
	}
	out, seen := make([]string, len(cells)), map[string]string{}
	for i, cell := range cells {
		cell = strings.TrimSpace(cell)
		name := names[cell]
		if name == "" {
			name = names[strings.ToLower(cell)]
		}
		if name == "" {
			continue // a column that nobody needs
		}
		if other, twice := seen[name]; twice {
			return nil, fmt.Errorf("the headings %q and %q both mean %s: name one with --column", other, cell, name)
		}
		out[i], seen[name] = name, cell
	}
	if seen[torch.ColumnKey] == "" {
		return nil, fmt.Errorf("no heading means %s, the user name: say which with --column HEADING=%s", torch.ColumnKey, torch.ColumnKey)
	}
	return out, nil
}

// rowsOf reads the file of an import.
func rowsOf(path string, columns []string) torch.Rows {
	return func(each func(int, map[string]string) error) error {
		var names []string
		return readExtract(path, func(n int, cells []string) (err error) {
			if names == nil {
				names, err = columnsOf(cells, columns)
				return err
			}
			fields := make(map[string]string, len(names))
			for i, cell := range cells {
				if i < len(names) && names[i] != "" {
					fields[names[i]] = cell
				}
			}
			return each(n, fields)
		})
	}
}

// importReport is what an import says at its end.
type importReport struct {
	Batch     string           `json:"batch"`
	State     torch.BatchState `json:"state"`
	Rows      int64            `json:"rows"`
	Bad       int64            `json:"bad"`
	Outcomes  map[string]int64 `json:"outcomes"`
	Known     int64            `json:"known"`
	Made      int64            `json:"accounts"`
	Grants    int64            `json:"with_grants"`
	Suffixed  int64            `json:"suffixed"`
	Rivals    int64            `json:"rivals"`
	Passwords int64            `json:"passwords_to_wrap"`
	WrapTime  string           `json:"wrapping_takes"`
	Samples   []torch.Sample   `json:"samples"`
}

func importTorch(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("import torch", out)
	var columns many
	batch := f.String("batch", "", "name of the batch; the file's digest if empty")
	scheme := f.String("scheme", "", "password scheme of files whose rows do not name one: "+strings.Join(torch.Schemes(), ", ")+"; empty for hashes that name their own")
	by := f.String("by", systemUser(), "who brings the accounts over, as the desk shows it")
	commit := f.Bool("commit", false, "bring the accounts over; without it nothing but a plan is made")
	again := f.Bool("again", false, "forget what was staged of the file and read it anew, with other columns or another scheme")
	bad := f.String("bad", "", "file for the rows that cannot be taken over, CSV; it must not exist")
	chunk := f.Int("chunk", torch.DefaultChunk, "rows that are staged at once; 1 to 50000")
	generate := f.Int("generate", 0, "make a file of so many synthetic accounts instead, with every outcome that the database allows")
	seed := f.Uint64("seed", 1, "seed of --generate and --platform")
	platform := f.Int("platform", 0, "make the accounts here that give the first so many rows of a generated file every outcome; for empty databases alone")
	f.Var(&columns, "column", "HEADING=NAME: what a heading of the file means; may be repeated")
	path, err := f.readWithFile(args)
	if err != nil {
		return err
	}
	if *chunk < 1 || *chunk > 50_000 {
		return refuse("chunk", strconv.Itoa(*chunk), "1 to 50000")
	}
	if *generate > 0 {
		return generateTorch(path, *generate, *seed)
	}
	digest, lines, err := digestOf(path)
	if err != nil {
		return err
	}
	if *batch == "" {
		*batch = "torch-" + digest[:12]
	}
	if len(*by) > 64 || strings.ContainsFunc(*by, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return refuse("by", *by, "use one line of at most 64 bytes")
	}
	if !plainName(*batch) {
		return refuse("batch", *batch, "use 1 to 64 letters, digits, dots, dashes and underscores")
	}
	return inVault(ctx, f.config, func(a *app) (err error) {
		if *platform > 0 {
			if err := a.syntheticPlatform(ctx, *platform, *seed); err != nil {
				return err
			}
		}
		report, closeReport, err := badRows(*bad, out, f.asJSON)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeReport()) }()
		b, err := a.db.OpenBatch(ctx, torch.Batch{ID: *batch, Digest: digest, File: filepath.Base(path), By: *by, CreatedAt: a.clock()})
		if fault.Is(err, fault.Conflict) {
			return refuse("batch", *batch, "is of another file; choose another name")
		}
		if err != nil {
			return err
		}
		if *again {
			if b, err = a.db.Unstage(ctx, b.ID); err != nil {
				return refuse("again", b.ID, "cannot be read anew: "+err.Error())
			}
		}
		began := time.Now()
		stager := torch.Stager{Store: a.db, Now: a.clock, Scheme: *scheme, Chunk: *chunk, Report: report, Progress: progressOf(os.Stderr, began, lines)}
		if b, err = stager.Stage(ctx, b, rowsOf(path, append(a.cfg.Torch.Columns, columns...))); err != nil {
			return err
		}
		if b.State != torch.Prepared {
			return refuse("batch", b.ID, "is "+string(b.State)+" already")
		}
		var plan torch.Plan
		if *commit {
			plan, err = torch.Commit(ctx, a.db, b.ID, a.clock, audit.Event{Kind: audit.ImportCommitted, Actor: "operator", Object: b.ID, Result: "ok"})
			b.State = torch.Committed
		} else {
			plan, err = a.db.Preview(ctx, b.ID, torch.Rules(), a.clock())
		}
		if err != nil {
			return err
		}
		r, err := a.importReport(ctx, b, plan)
		if err != nil {
			return err
		}
		return f.print(r, r.text(*commit))
	})
}

// systemUser is who runs the command.
func systemUser() string {
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return "operator"
	}
	return u.Username
}

// plainName tells whether s may name a batch.
func plainName(s string) bool {
	return len(s) >= 1 && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '-' || r == '_')
	})
}

// digestOf gives the SHA-256 of a file, by which a batch knows it again, and how
// many lines it has.
func digestOf(path string) (digest string, lines int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = f.Close() }()
	h, buf := sha256.New(), make([]byte, 1<<20)
	for {
		n, err := f.Read(buf)
		h.Write(buf[:n]) // never fails
		lines += int64(strings.Count(string(buf[:n]), "\n"))
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), lines, nil
		}
		if err != nil {
			return "", 0, err
		}
	}
}

// badRows gives what notes the fields that cannot be taken over: in a file, or the
// first hundred on the screen. What stands in a field is never repeated.
func badRows(path string, out io.Writer, quiet bool) (report func(torch.RowError), done func() error, err error) {
	if path == "" {
		n := 0
		return func(e torch.RowError) {
			if n++; n <= 100 && !quiet {
				fmt.Fprintf(out, "row %d, %s: %s\n", e.Row, e.Field, rowRemedy(e.Msg)) //nolint:errcheck // a closed terminal
			}
		}, func() error { return nil }, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, refuse("bad", path, "cannot be made: "+cause(err))
	}
	w := csv.NewWriter(f)
	_ = w.Write([]string{"row", "field", "reason"}) // errors stay in the writer until Flush
	return func(e torch.RowError) { _ = w.Write([]string{strconv.Itoa(e.Row), e.Field, rowRemedy(e.Msg)}) }, func() error {
		w.Flush()
		return errors.Join(w.Error(), f.Close())
	}, nil
}

var rowRemedies = map[string]string{
	torch.MsgKind:     "is neither unit nor person",
	torch.MsgUnitName: "is missing",
	torch.MsgEmail:    "is no e-mail address",
	torch.MsgTime:     "is no date in one of the usual forms",
	torch.MsgPassword: "is no hash of the scheme, or lacks salt or iterations",
	torch.MsgText:     "is too long or holds broken characters",
	torch.MsgTwice:    "stands in the file twice; the first row counts",
}

func rowRemedy(msg string) string {
	if text, ok := rowRemedies[msg]; ok {
		return text
	}
	return remedies[msg]
}

// progressOf writes a line after each chunk: how far, how fast, how long yet.
func progressOf(out io.Writer, began time.Time, lines int64) func(read, staged int64) {
	return func(read, staged int64) {
		took := time.Since(began).Seconds()
		rate := float64(read) / max(took, 0.001)
		left := "?"
		if lines > read {
			left = time.Duration(float64(lines-read) / rate * float64(time.Second)).Round(time.Second).String()
		}
		fmt.Fprintf(out, "read %d of about %d rows, %d staged, %.0f rows/s, %s left\n", read, max(lines, read), staged, rate, left) //nolint:errcheck // progress
	}
}

func (a *app) importReport(ctx context.Context, b torch.Batch, p torch.Plan) (importReport, error) {
	r := importReport{Batch: b.ID, State: b.State, Rows: b.Staged, Bad: b.Bad, Outcomes: map[string]int64{}, Known: p.Known, Made: p.Made, Grants: p.Grants,
		Suffixed: p.Suffixed, Rivals: p.Rivals, Passwords: p.Legacy, Samples: p.Samples}
	for code, n := range p.Outcomes {
		r.Outcomes[string(code)] = n
	}
	began := time.Now()
	if _, err := a.hasher.Hash(ctx, "what one password costs"); err != nil {
		return r, err
	}
	r.WrapTime = (time.Since(began) * time.Duration(p.Legacy)).Round(time.Second).String()
	return r, nil
}

// meanings of the outcomes, for the operator.
var meanings = map[torch.Code]string{
	torch.E1: "new legal account under its USCC", torch.E2: "legal account here goes on, with its own password",
	torch.E3: "new legal account under HJ_USCC: a person holds the USCC as login name", torch.E4: "new person's account under the USCC, grants pending",
	torch.E5: "new person's account under HJ_USCC, grants pending", torch.I1: "new account under the number", torch.I2: "account here goes on, with its own password",
	torch.I3: "new account under HJ_number: somebody else holds the number as login name", torch.I4: "verified on an account here: by appeal",
	torch.I5: "verified on an account here, and the number is held: by appeal", torch.I6: "account here goes on; verified on a third one",
}

func (r importReport) text(done bool) string {
	var b strings.Builder
	what := "planned"
	if done {
		what = "done"
	}
	fmt.Fprintf(&b, "batch %s, %s: %d rows, %d left out\n\n", r.Batch, what, r.Rows, r.Bad)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, code := range torch.Codes() {
		if n := r.Outcomes[string(code)]; n > 0 {
			fmt.Fprintf(w, "%s\t%d\t%s\n", code, n, meanings[code])
		}
	}
	if r.Known > 0 {
		fmt.Fprintf(w, "-\t%d\tbrought over before, left alone\n", r.Known)
	}
	_ = w.Flush() // into memory
	fmt.Fprintf(&b, "\n%d new accounts, %d of them with grants that wait for a real name; %d took a further prefix; %d unverified legal accounts lose their unit\n", r.Made, r.Grants, r.Suffixed, r.Rivals)
	fmt.Fprintf(&b, "%d passwords to wrap in the background, about %s of one core\n", r.Passwords, r.WrapTime)
	if len(r.Samples) > 0 {
		b.WriteString("\nsamples\n")
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, s := range r.Samples {
			remark := ""
			if s.Suffixed {
				remark = "further prefix"
			}
			if s.Rival {
				remark += " an unverified account loses the unit"
			}
			fmt.Fprintf(w, "  row %d\t%s\t%s\t%s\t%s\n", s.Row, s.Outcome, s.Key, s.LoginName, remark)
		}
		_ = w.Flush() // into memory
	}
	if !done {
		b.WriteString("\nNothing was changed. With --commit it is.\n")
	}
	return b.String()
}
