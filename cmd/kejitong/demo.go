package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"kejitong/cmd/kejitong/relyingparty"
	"kejitong/config"
	"kejitong/provider/notify"
)

// demo runs the provider on embedded SQLite with two relying parties, all on
// loopback, seeded with one account for each kind of claims.
func demo(ctx context.Context, args []string, out io.Writer) error {
	f := flags("demo", out)
	dir := f.String("dir", "", "keep the demonstration's data in this folder (default: a temporary one, deleted at the end)")
	port := f.Int("port", 8080, "port of the provider; the two systems listen on the next two")
	asJSON := f.Bool("json", false, "print one line of JSON when ready instead of the welcome")
	calls := f.String("outbound-allow", "", "other host:port on this machine or in its network that the provider may call at systems (back-channel logout, key sets), separated by commas")
	verbose := f.Bool("verbose", false, "log every request")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *port < 1 || *port > 65533 {
		return fmt.Errorf("--port %d: want 1 to 65533", *port)
	}
	folder, cleanup, err := demoFolder(*dir)
	if err != nil {
		return err
	}
	defer cleanup()
	show, err := rehearse(folder, *port)
	if err != nil {
		return err
	}
	if err := show.allow(*calls); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if *verbose {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	listeners, err := demoListeners(*port)
	if err != nil {
		return err
	}
	gate, err := show.openGateway()
	if err != nil {
		return errors.Join(err, closeAll(listeners))
	}
	a, err := build(ctx, show.config, log, show.equip)
	if err != nil {
		return errors.Join(err, closeAll(listeners), gate.Close())
	}
	defer show.serveGateway(gate, a, log)()
	if err := errors.Join(show.seed(ctx, a), show.seedDesk(ctx, a), show.seedAdmin(ctx, a)); err != nil {
		return errors.Join(fmt.Errorf("seed: %w", err), a.close(), closeAll(listeners))
	}
	if err := show.seedLegacy(ctx, a); err != nil {
		return errors.Join(fmt.Errorf("seed the former platform: %w", err), a.close(), closeAll(listeners))
	}
	tel, err := newTelemetry(ctx, show.config, a)
	if err != nil {
		return errors.Join(err, a.close(), closeAll(listeners))
	}
	stop := show.openSystems(listeners[:2], log)
	defer stop()
	if err := show.announce(out, *asJSON); err != nil {
		return errors.Join(err, a.close())
	}
	err = a.run(ctx, listeners[2:], nil, tel)
	return errors.Join(err, tel.close(), a.close())
}

func closeAll(ls []net.Listener) error {
	var err error
	for _, l := range ls {
		err = errors.Join(err, l.Close())
	}
	return err
}

func demoFolder(dir string) (string, func(), error) {
	if dir != "" {
		return dir, func() {}, os.MkdirAll(dir, 0o700)
	}
	tmp, err := os.MkdirTemp("", "kejitong-demo-")
	return tmp, func() { _ = os.RemoveAll(tmp) }, err // a leftover in the temporary folder harms nobody
}

// demoListeners gives the two systems' listeners and then the provider's, which
// answers as "localhost" on both loopback addresses where there are two.
func demoListeners(port int) ([]net.Listener, error) {
	var out []net.Listener
	for _, address := range []string{
		net.JoinHostPort("127.0.0.1", strconv.Itoa(port+1)), net.JoinHostPort("127.0.0.1", strconv.Itoa(port+2)),
		net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
	} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("the demonstration needs ports %d to %d: %w (choose others with --port)", port, port+2, err), closeAll(out))
		}
		out = append(out, l)
	}
	if l, err := net.Listen("tcp", net.JoinHostPort("::1", strconv.Itoa(port))); err == nil { // a machine without IPv6 does without
		out = append(out, l)
	}
	return out, nil
}

// performance is one demonstration: its configuration and what is in it.
type performance struct {
	config   config.Config
	folder   string
	port     int
	Secrets  map[string]string // client id or login name: secret or password
	systems  []relyingparty.System
	accounts []demoAccount
	clients  []demoClient
	console  *notify.Console // where its messages go
}

// rehearse prepares the configuration. Secrets are made anew for each folder
// and kept in it, so that nothing secret ships and a kept folder stays usable.
func rehearse(folder string, port int) (*performance, error) {
	s := &performance{folder: folder, port: port, Secrets: map[string]string{}}
	root, err := s.loadSecrets()
	if err != nil {
		return nil, err
	}
	c := config.Default()
	c.Issuer = "http://localhost:" + strconv.Itoa(port)
	c.Database.Driver, c.Database.Path, c.Database.MaxOpen = "sqlite", filepath.Join(folder, "kejitong.db"), 8
	c.Keys.RootKey = config.NewSecret(root)
	c.Documents.Folder = filepath.Join(folder, "documents")
	c.RealName.Verifier, c.RealName.RegistryName = config.VerifierRegistry, demoAuthority
	c.Clients.OutboundAllow = []string{hostPort(port + 1), hostPort(port + 2), "127.0.0.1:9999"}
	c.Listen.DrainDelay = 0 // no balancer in front
	c.Log.Level, c.Log.Format = "info", "text"
	s.config = c
	s.cast()
	return s, nil
}

// allow adds addresses, separated by commas, to those of systems.
func (s *performance) allow(calls string) error {
	for _, call := range strings.FieldsFunc(calls, func(r rune) bool { return r == ',' }) {
		if host, port, err := net.SplitHostPort(call); err != nil || host == "" || port == "" {
			return fmt.Errorf("--outbound-allow %s: want host:port, such as 127.0.0.1:9000", call)
		}
		s.config.Clients.OutboundAllow = append(s.config.Clients.OutboundAllow, call)
	}
	return nil
}

func hostPort(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func base(port int) string { return "http://" + hostPort(port) }

// openSystems starts the relying parties.
func (s *performance) openSystems(ls []net.Listener, log *slog.Logger) (stop func()) {
	servers := make([]*http.Server, len(ls))
	for i, l := range ls {
		system := s.systems[i]
		system.Log = log
		servers[i] = &http.Server{Handler: system.Handler(), ReadHeaderTimeout: s.config.Listen.ReadHeaderTimeout}
		go func() {
			if err := servers[i].Serve(l); !errors.Is(err, http.ErrServerClosed) {
				log.Error("demonstration system", "error", err)
			}
		}()
	}
	return func() {
		for _, srv := range servers {
			_ = srv.Close() // the process ends anyway
		}
	}
}

// announce prints the welcome, or the one line that scripts read.
func (s *performance) announce(out io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(s.script())
	}
	w := func(format string, args ...any) { fmt.Fprintf(out, format, args...) } //nolint:errcheck // a closed terminal ends the demo anyway
	w("\n科技通演示 · Kejitong demonstration\n\n")
	w("  身份认证 provider   %s\n", s.config.Issuer)
	for _, rp := range s.systems {
		w("  业务系统 system     %s  %s (%s)\n", rp.BaseURL, rp.Name, rp.NameEN)
	}
	w("\n账号 accounts\n\n")
	for _, a := range s.accounts {
		w("  %-12s %-20s %-22s %s\n", window(a.Kind), a.Username, a.Password, a.About)
	}
	w("\n火炬中心迁移账号 accounts of the former platform   %s/lookup\n\n", s.config.Issuer)
	for _, l := range s.legacyAccounts() {
		where := ""
		if l.Window != "" {
			where = window(l.Window)
		}
		w("  %-4s %-20s %-12s %-24s %s\n", l.Outcome, l.Key, where, l.LoginName, l.Password)
	}
	w("\n审核后台 review desk   %s/admin   （密码和身份验证器密钥 password and authenticator key）\n\n", s.config.Issuer)
	for _, o := range s.operators() {
		w("  %-12s %-20s %s\n", o.Username, o.Password, o.Factor)
	}
	p, e := demoPersons()[0], demoEntities()[0]
	w("\n可以注册并实名认证 to register and verify\n\n")
	w("  自然人       %s %s  手机 mobile %s\n", p.Name, p.IDNumber, p.Mobile)
	w("  法人         %s %s\n               法定代表人 legal representative %s %s\n", e.Name, e.USCC, e.LegalRep.Name, e.LegalRep.IDNumber)
	w("\n短信和邮件 messages   %s\n图片验证码 captcha    %s\n", s.config.Issuer+outboxPage, demoCaptcha)
	w("\n打开 %s，点击登录，选择法人窗口试一试。按 Ctrl+C 结束。\nOpen %s, sign in through the legal entity window. Ctrl+C ends.\n\n", s.systems[0].BaseURL, s.systems[0].BaseURL)
	return nil
}
