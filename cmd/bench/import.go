package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kejitong/config"
	"kejitong/provider/account"
	"kejitong/provider/keys"
	"kejitong/provider/torch"
	"kejitong/store"
)

// importing is one import that is measured.
type importing struct {
	database string
	rows     int
}

// inTheWay is how many rows of the file find every outcome.
const inTheWay = 500

// mostKeys is how many units are looked up.
const mostKeys = 50_000

// importings reads the flag: counts of rows, each on every database or on the one
// that stands before it with "=".
func importings(flag string, databases []string) (out []importing, err error) {
	for _, item := range strings.Split(flag, ",") {
		on := databases
		database, count, ok := strings.Cut(item, "=")
		if ok {
			on = []string{database}
		} else {
			count = item
		}
		n, err := strconv.Atoi(count)
		if err != nil || n < inTheWay || n > 10_000_000 {
			return nil, fmt.Errorf("-import: %q is no count of rows from %d to 10000000", item, inTheWay)
		}
		for _, d := range on {
			if d != config.DriverPostgres && d != config.DriverSQLite {
				return nil, fmt.Errorf("-import: %q is no database", d)
			}
			out = append(out, importing{d, n})
		}
	}
	return out, nil
}

// spent is a step of an import.
type spent struct {
	name     string
	n        int64
	took     time.Duration
	command  time.Duration // CPU of the process
	database time.Duration // and of PostgreSQL's
	memory   int64         // most bytes of the process at any moment; 0 if it is this one
	others   float64       // share of the machine that others took
}

// imported is what one import gave.
type imported struct {
	importing
	about    string
	password time.Duration
	alone    databaseLimits
	hashes   float64
	outcomes map[string]int64
	steps    []spent
}

// runImports measures the imports and gives them as Markdown.
func runImports(ctx context.Context, o options, all []importing, progress io.Writer) (string, error) {
	say := func(format string, args ...any) {
		fmt.Fprintf(progress, "%s "+format+"\n", append([]any{time.Now().Format("15:04:05")}, args...)...)
	}
	began := time.Now()
	if o.binary == "" {
		say("building the command")
		dir, err := os.MkdirTemp("", "kejitong-bench-bin-")
		if err != nil {
			return "", err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if o.binary, err = buildServer(ctx, o.root, dir); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	var parts []imported
	for _, i := range all {
		say("%s: %d rows", i.database, i.rows)
		part, err := o.measureImport(ctx, i, say)
		if err != nil {
			return "", fmt.Errorf("%s: %w", i.database, err)
		}
		parts = append(parts, part)
		part.table(func(format string, args ...any) { fmt.Fprintf(progress, format, args...) }) // should a later one fail
	}
	w("Made by `%s` on %s in %.0f s: %s.\n", o.command, began.UTC().Format("2006-01-02 15:04 UTC"), time.Since(began).Seconds(), describeMachine(ctx, o.root))
	for _, p := range parts {
		p.table(w)
	}
	return b.String(), nil
}

func (p imported) table(w func(string, ...any)) {
	w("\n### %s rows on %s\n\n%s. Of the machine alone, in this run: argon2id %s /s on all cores, one-row INSERT %s /s, SELECT by primary key %s /s.\n\n",
		number(float64(p.rows)), title(p.database), p.about, number(p.hashes), number(p.alone.commits), number(p.alone.reads))
	w("| step | how many | seconds | per second | CPU s: process + database | most memory MiB | others' CPU |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, s := range p.steps {
		database, memory := "–", "–"
		if p.database == config.DriverPostgres {
			database = fmt.Sprintf("%.1f", s.database.Seconds())
		}
		if s.memory > 0 {
			memory = fmt.Sprintf("%.0f", float64(s.memory)/(1<<20))
		}
		w("| %s | %s | %.1f | **%s** | %.1f + %s | %s | %s |\n", s.name, number(float64(s.n)), s.took.Seconds(), number(float64(s.n)/s.took.Seconds()), s.command.Seconds(), database,
			memory, percent(s.others))
	}
}

// measureImport brings a generated file over, from an empty database on.
func (o options) measureImport(ctx context.Context, i importing, say func(string, ...any)) (out imported, err error) {
	out = imported{importing: i, about: "SQLite " + sqliteAbout}
	p, err := newPlace(ctx, i.database, o.postgres)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, p.remove(context.WithoutCancel(ctx))) }()
	if p.postgres != nil {
		out.about = p.postgres.about
	}
	if out.alone, err = measureDatabase(ctx, p, o); err != nil {
		return out, err
	}
	out.hashes, out.password = measureArgon2id(o.moment())
	c := commander{binary: o.binary, place: p}
	file := p.path("torch.csv")
	var plan struct {
		Outcomes map[string]int64 `json:"outcomes"`
		Bad      int64            `json:"bad"`
	}
	for _, step := range []struct {
		name string
		n    int64
		args []string
	}{
		{"", 0, []string{"migrate", "--config", p.file}},
		{"generate the file", int64(i.rows), []string{"import", "torch", "--generate", strconv.Itoa(i.rows), file}},
		{"dry run: read, check, seal, stage, decide", int64(i.rows), []string{"import", "torch", "--config", p.file, "--json", "--platform", strconv.Itoa(inTheWay), file}},
		{"commit: decide, make the accounts", int64(i.rows), []string{"import", "torch", "--config", p.file, "--json", "--commit", file}},
	} {
		s, said, err := c.run(ctx, step.args...)
		if err != nil {
			return out, err
		}
		if step.name == "" {
			continue
		}
		s.name, s.n = step.name, step.n
		out.steps = append(out.steps, s)
		say("%s: %-44s %8.0f /s", i.database, s.name, float64(s.n)/s.took.Seconds())
		if said[0] == '{' {
			if err := json.Unmarshal(said, &plan); err != nil || plan.Bad > 0 {
				return out, fmt.Errorf("%s: %d rows left out, %w", s.name, plan.Bad, err)
			}
		}
	}
	out.outcomes = plan.Outcomes
	wrap, err := c.wrap(ctx, max(2*o.period, 5*time.Second))
	if err != nil {
		return out, err
	}
	out.steps = append(out.steps, wrap)
	say("%s: %-44s %8.0f /s", i.database, wrap.name, float64(wrap.n)/wrap.took.Seconds())
	looks, err := o.measureLookUps(ctx, p, file)
	out.steps = append(out.steps, looks...)
	return out, err
}

// commander runs the product's own commands.
type commander struct {
	binary string
	place  *place
}

func (c commander) postmaster() int {
	if c.place.postgres == nil {
		return 0
	}
	return c.place.postgres.postmaster
}

func (c commander) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.binary, args...) //nolint:gosec // built by this run, or named on the command line
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "KEJITONG_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

// run gives what a command took and said.
func (c commander) run(ctx context.Context, args ...string) (s spent, said []byte, err error) {
	cmd := c.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	s, err = c.watch(cmd)
	if err != nil {
		return s, nil, fmt.Errorf("%s: %w\n%s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	return s, append(bytes.TrimSpace(out.Bytes()), ' '), nil
}

// watch runs cmd to its end.
func (c commander) watch(cmd *exec.Cmd) (s spent, err error) {
	before, err := readUsage(os.Getpid(), c.postmaster())
	if err != nil {
		return s, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return s, err
	}
	ended, most := make(chan struct{}), make(chan int64, 1)
	go func() { most <- highWater(cmd.Process.Pid, ended) }()
	err = cmd.Wait()
	s.took = time.Since(began)
	close(ended)
	s.memory = <-most
	after, failed := readUsage(os.Getpid(), c.postmaster())
	if failed != nil {
		return s, errors.Join(err, failed)
	}
	u := after.minus(before)
	s.command, s.database = cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), u.database
	u.server = s.command
	s.others = u.others().Seconds() / s.took.Seconds() / float64(runtime.GOMAXPROCS(0))
	return s, err
}

// highWater gives the most memory that a process had, as the kernel last said
// before it ended. What the kernel adds up for a parent afterwards counts the
// parent's own memory from before exec.
func highWater(pid int, ended <-chan struct{}) (most int64) {
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for {
		if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
			for line := range strings.Lines(string(status)) {
				if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
					n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kb), "kB")), 10, 64) // 0 is less than before
					most = max(most, n<<10)
				}
			}
		}
		select {
		case <-ended:
			return most
		case <-every.C:
		}
	}
}

var wrappedLine = regexp.MustCompile(`wrapped (\d+) of \d+ passwords`)

// wrap lets the command wrap for a while; it can be stopped at any password.
func (c commander) wrap(ctx context.Context, period time.Duration) (spent, error) {
	ctx, cancel := context.WithTimeout(ctx, period)
	defer cancel()
	cmd := c.command(ctx, "import", "wrap", "--config", c.place.file)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	s, err := c.watch(cmd)
	s.name = "wrap passwords, one core"
	all := wrappedLine.FindAllStringSubmatch(errs.String(), -1)
	if len(all) == 0 {
		return s, fmt.Errorf("import wrap said nothing: %w\n%s", err, errs.String())
	}
	s.n, err = strconv.ParseInt(all[len(all)-1][1], 10, 64)
	return s, err
}

// stride is a prime greater than mostKeys, so that every unit comes once, and none
// beside its neighbour in the file.
const stride = 50_021

// keysOf gives units of the file, in an order of their own.
func keysOf(file string) (out []account.USCC, err error) {
	f, err := os.Open(file) //nolint:gosec // made by this run
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	for len(out) < mostKeys {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if u, err := account.ParseUSCC(row[1]); err == nil {
			out = append(out, u)
		}
	}
	mixed := make([]account.USCC, len(out))
	for i := range mixed {
		mixed[i] = out[i*stride%len(out)]
	}
	return mixed, nil
}

// measureLookUps looks units up as the page does once the captcha is right, by as
// many askers as the load has workers; and what the desk asks of a batch.
func (o options) measureLookUps(ctx context.Context, p *place, file string) (out []spent, err error) {
	units, err := keysOf(file)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, p.storeOptions())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ring := &keys.Ring{Store: db, Root: p.config.Keys.RootKey.Bytes(), Now: db.Now}
	if err := ring.Open(ctx); err != nil {
		return nil, err
	}
	db.Seal = func() store.Sealer { return ring.Snapshot() }
	lookup := &torch.Lookup{Store: db, Now: db.Now}
	here := commander{place: p}
	step := func(name string, n int64, do func(context.Context) error) error {
		s := spent{name: name, n: n}
		before, err := readUsage(os.Getpid(), here.postmaster())
		if err != nil {
			return err
		}
		began := time.Now()
		if err := do(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.took = time.Since(began)
		after, err := readUsage(os.Getpid(), here.postmaster())
		u := after.minus(before)
		s.command, s.database, u.server = u.load, u.database, 0
		s.others = u.others().Seconds() / s.took.Seconds() / float64(runtime.GOMAXPROCS(0))
		out = append(out, s)
		return err
	}
	every := func(ctx context.Context) error { return o.lookUpAll(ctx, lookup, units) }
	n := int64(len(units))
	if err := errors.Join(
		step("look units up, each for the first time", n, every),
		step("look units up, each again", n, every),
	); err != nil {
		return out, err
	}
	ledger := &torch.Ledger{Books: db, Now: db.Now}
	batches, err := db.Batches(ctx, 1)
	if err != nil || len(batches) == 0 {
		return out, fmt.Errorf("no batch: %w", err)
	}
	return out, errors.Join(
		step("beside: whether somebody used one of the accounts", batches[0].Staged, func(ctx context.Context) error { return lookThrough(ctx, db, batches[0]) }),
		step("desk: a page of what is to be settled", 1, func(ctx context.Context) error {
			_, _, err := ledger.Unsettled(ctx, torch.Heap(torch.E3), torch.Place{}, 50)
			return err
		}),
	)
}

// lookThrough looks for use of a batch from its beginning to its end.
func lookThrough(ctx context.Context, db *store.DB, b torch.Batch) error {
	later := b.CommittedAt.Add(time.Hour)
	w := torch.Watch{Uses: db, Now: func() time.Time { return later }}
	for b.LookedAt.Before(later) {
		if err := w.Tend(ctx); err != nil {
			return err
		}
		var err error
		if b, err = db.Batch(ctx, b.ID); err != nil || b.Used {
			return errors.Join(err, fmt.Errorf("batch %+v", b.Look))
		}
	}
	return nil
}

// lookUpAll asks for every unit once, and is content with no other answer than
// that of an account which came over.
func (o options) lookUpAll(ctx context.Context, l *torch.Lookup, units []account.USCC) error {
	var next atomic.Int64
	var work sync.WaitGroup
	wrong := make(chan error, o.workers)
	for range o.workers {
		work.Go(func() {
			for {
				n := int(next.Add(1) - 1)
				if n >= len(units) {
					return
				}
				a, err := l.Unit(ctx, units[n])
				if err == nil && !a.Code.Stored() {
					err = fmt.Errorf("%s comes to %s", units[n], a.Code)
				}
				if err != nil {
					wrong <- err
					return
				}
			}
		})
	}
	work.Wait()
	select {
	case err := <-wrong:
		return err
	default:
		return nil
	}
}
