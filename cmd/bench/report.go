package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// report is a whole run.
type report struct {
	command  string
	began    time.Time
	took     time.Duration
	machine  string
	workers  int
	period   time.Duration
	accounts int
	limits   machineLimits
	parts    []part
}

func describeMachine(ctx context.Context, root string) string {
	model := "unknown processor"
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
		_ = f.Close()
	}
	revision := "unknown"
	if out, err := exec.CommandContext(ctx, "git", "-C", root, "describe", "--always", "--dirty").Output(); err == nil { //nolint:gosec // no input of others
		revision = strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("%d cores (%s), %s/%s, %s, revision %s", runtime.GOMAXPROCS(0), model, runtime.GOOS, runtime.GOARCH, runtime.Version(), revision)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()*1000) }

// number rounds to three figures or so: more would pretend.
func number(x float64) string {
	switch {
	case x >= 1000:
		s := fmt.Sprintf("%.0f", x)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.1f", x)
}

func percent(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) }

// markdown is the report as docs/performance.md carries it.
func (r *report) markdown() string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	w("Made by `%s` on %s in %.0f s: %s. Closed loop, %d workers, %v a row, %s accounts.\n\n",
		r.command, r.began.UTC().Format("2006-01-02 15:04 UTC"), r.took.Seconds(), r.machine, r.workers, r.period, number(float64(r.accounts)))
	w("### The machine's limits in this run\n\n| | |\n|---|--:|\n")
	for _, s := range r.limits.signing {
		w("| %s sign / verify, one core | %.3f / %.3f ms |\n", s.alg, s.sign.Seconds()*1000, s.verify.Seconds()*1000)
	}
	w("| argon2id 19456 KiB, t=2, p=1, one core | %s ms |\n", ms(r.limits.password))
	w("| argon2id, all cores | %s /s |\n", number(1/r.limits.argon2id))
	h := r.limits.helloRow
	w("| net/http hello, %d workers of this load | %s /s, p50 %s ms, server %.3f and load %.3f CPU ms each |\n", r.workers, number(h.rate()),
		ms(percentile(h.took, .5)), h.perOp(h.used.server.Seconds()*1000), h.perOp(h.used.load.Seconds()*1000))
	for _, p := range r.parts {
		w("| %s: one-row INSERT, autocommit | %s /s |\n| %s: SELECT by primary key | %s /s |\n", p.database, number(p.alone.commits), p.database, number(p.alone.reads))
	}
	for _, p := range r.parts {
		w("\n### %s\n\n%s. Configuration: the shipped default, fingerprint `%s`. Seeded in %.0f s.\n\n", title(p.database), p.about, p.fingerprint, p.seeding.Seconds())
		p.table(w)
	}
	return b.String()
}

func title(database string) string {
	if database == "postgres" {
		return "PostgreSQL"
	}
	return "SQLite"
}

// floor is the goal of a row that has none of its own: 85 % of its bound.
const floor = .85

func (p part) table(w func(string, ...any)) {
	w("| operation | per second | by its CPU | p50 ms | p99 ms | CPU ms: server + database + load | limit /s | of limit | goal /s | of goal, by CPU | WAL bytes | others' CPU |\n")
	w("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range p.results {
		limit := 1 / r.row.bound(p.limits)
		goal := r.row.goal
		if goal == 0 {
			goal = floor * limit
		}
		wal := "–"
		if r.wal >= 0 {
			wal = fmt.Sprintf("%.0f", r.perOp(r.wal))
		}
		w("| %s | **%s** | %s | %s | %s | %s | %s: %s | %s | %s | %s, %s | %s | %s |\n", r.row.name, number(r.rate()), number(r.byCPU()),
			ms(percentile(r.took, .5)), ms(percentile(r.took, .99)), r.costs(), r.row.needs, number(limit), percent(r.rate()/limit),
			number(goal), percent(r.rate()/goal), percent(r.byCPU()/goal), wal, percent(r.disturbed()))
	}
	p.pressureTable(w)
	p.stepTable(w)
}

func (p part) pressureTable(w func(string, ...any)) {
	if len(p.pressure) == 0 {
		return
	}
	w("\n| under pressure | offered | done per second | of its peak | refused (503, Retry-After) | p50 ms | p99 ms | p99 of refusals ms | CPU ms: server + database + load | others' CPU |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range p.pressure {
		refused := "–"
		if r.result.shed > 0 {
			refused = ms(percentile(r.result.refused, .99))
		}
		w("| %s | %s | %s | %s | %d | %s | %s | %s | %s | %s |\n", r.name, r.offers, number(r.result.rate()), percent(r.result.rate()/r.peak), r.result.shed,
			ms(percentile(r.result.took, .5)), ms(percentile(r.result.took, .99)), refused, r.result.costs(), percent(r.result.disturbed()))
	}
}

func (p part) stepTable(w func(string, ...any)) {
	if len(p.steps) == 0 {
		return
	}
	w("\n| step, one at a time | SQL statements | goal | WAL bytes |\n|---|--:|--:|--:|\n")
	for _, s := range p.steps {
		goal := "–"
		if s.goal > 0 {
			goal = fmt.Sprintf("%.0f", s.goal)
		}
		w("| %s | %.2f | %s | %.0f |\n", s.name, s.statements, goal, s.wal)
	}
	a, t := p.steps[0], p.steps[1]
	w("| code flow: authorize and token | %.2f | 4 | %.0f (goal 2,500) |\n", a.statements+t.statements, a.wal+t.wal)
}

// costs are CPU milliseconds of one operation. SQLite works inside the server.
func (r result) costs() string {
	database := "–"
	if r.used.known {
		database = fmt.Sprintf("%.3f", r.perOp(r.used.database.Seconds()*1000))
	}
	return fmt.Sprintf("%.3f + %s + %.3f", r.perOp(r.used.server.Seconds()*1000), database, r.perOp(r.used.load.Seconds()*1000))
}

// byCPU is what the cores would do in a second at these costs if nothing else
// ran on them and nobody ever waited.
func (r result) byCPU() float64 {
	used := r.used.server + r.used.database + r.used.load
	if used == 0 {
		return 0
	}
	return float64(r.done) * float64(runtime.GOMAXPROCS(0)) / used.Seconds()
}

// disturbed is the share of the machine that others took meanwhile.
func (r result) disturbed() float64 {
	if r.elapsed == 0 {
		return 0
	}
	return r.used.others().Seconds() / r.elapsed.Seconds() / float64(runtime.GOMAXPROCS(0))
}
