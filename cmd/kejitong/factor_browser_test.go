package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"kejitong/provider/audit"
)

// authenticator gives the browser's page a virtual authenticator that verifies its
// user.
func authenticator(ctx context.Context, t *testing.T) (id webauthn.AuthenticatorID, bad func(signature, verification bool)) {
	t.Helper()
	on := func(call func(ctx context.Context, target *chromedp.Target) error) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.Func(call)); err != nil {
			t.Fatal(err)
		}
	}
	on(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, webauthn.Enable, webauthn.EnableParams{})
		return err
	})
	on(func(ctx context.Context, target *chromedp.Target) error {
		added, err := cdp.Call(ctx, target, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
		id = added.AuthenticatorID
		return err
	})
	return id, func(signature, verification bool) {
		t.Helper()
		on(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, webauthn.SetResponseOverrideBits, webauthn.SetResponseOverrideBitsParams{
				AuthenticatorID: id, IsBogusSignature: &signature, IsBadUV: &verification,
			})
			return err
		})
	}
}

// Passkeys in a real browser: added with step-up and recovery codes, asked for
// after the password, refused without user verification and with another
// signature, and removed; after that the password is enough again.
func TestPasskeysInChromium(t *testing.T) {
	for _, width := range []int64{1280, 375} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			s := theatre(t)
			ctx, violations := chromium(t, width)
			_, bad := authenticator(ctx, t)
			who := s.account("a")
			step := func(name string, actions ...chromedp.Action[chromedp.Void]) {
				t.Helper()
				act(ctx, t, name, actions...)
				picture(ctx, t, fmt.Sprintf("passkey-%s-%d", name, width))
			}
			read := func(selector string) string { t.Helper(); return contentOf(ctx, t, selector) }
			signIn := func(window string) []chromedp.Action[chromedp.Void] {
				return []chromedp.Action[chromedp.Void]{
					chromedp.Navigate(s.issuer + "/login?window=natural_person&next=" + window), chromedp.WaitVisible("#username"),
					chromedp.SendKeys("#username", who.Username), chromedp.SendKeys("#password", who.Password), chromedp.Submit("#password"),
				}
			}
			step("01-security", append(signIn("/me/security"), chromedp.WaitVisible(`a[href="/me/security/passkey"]`))...)
			step("02-add", chromedp.Click(`a[href="/me/security/passkey"]`), chromedp.WaitVisible("[data-go]"), chromedp.SendKeys("#name", "办公室电脑"))
			step("03-codes", chromedp.Click("[data-go]"), chromedp.WaitVisible(".codes"))
			step("04-list", chromedp.Click("main a.btn"), chromedp.WaitVisible(".rows"))
			if got := read(".rows"); !strings.Contains(got, "办公室电脑") || !strings.Contains(got, "通行密钥") {
				t.Errorf("the list shows %q", got)
			}
			step("05-signed-out", chromedp.Navigate(s.issuer+"/"), chromedp.Click(`form[action="/logout"] button`), chromedp.WaitNotPresent(`form[action="/logout"]`), chromedp.WaitVisible("h1"))
			step("06-asked", append(signIn("/me/security"), chromedp.WaitVisible("[data-go]"))...)
			bad(true, false)
			step("07-another-signature", chromedp.Click("[data-go]"), chromedp.WaitVisible("#failure"))
			bad(false, true)
			// The next page has a #failure, too: its picture is taken when it is there.
			if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelector("#failure").remove(), true`)); err != nil {
				t.Fatal(err)
			}
			step("08-not-verified", chromedp.Click("[data-go]"), chromedp.WaitVisible("#failure"))
			bad(false, false)
			step("09-in", chromedp.Click("[data-go]"), chromedp.WaitVisible(".rows"))
			visit := s.sessionsOf("a")
			if got := visit[0]; got.ACR != "urn:fuwu:aal:3" || fmt.Sprint(got.AMR) != "[pwd hwk]" || got.FactorAt.IsZero() {
				t.Errorf("the session is %+v", got)
			}
			step("10-devices", chromedp.Navigate(s.issuer+"/me/devices"), chromedp.WaitVisible(".rows"))
			if got := read(".rows"); !strings.Contains(got, "Chrome") || !strings.Contains(got, "当前设备") {
				t.Errorf("the devices show %q", got)
			}
			step("11-removed", chromedp.Navigate(s.issuer+"/me/security"), chromedp.Click(`button[value="remove"]`), chromedp.WaitVisible(`[role="status"]`))
			step("12-signed-out", chromedp.Navigate(s.issuer+"/"), chromedp.Click(`form[action="/logout"] button`), chromedp.WaitNotPresent(`form[action="/logout"]`), chromedp.WaitVisible("h1"))
			step("13-password-alone", append(signIn("/me/security"), chromedp.WaitVisible(`a[href="/me/security/passkey"]`))...)
			rows, err := s.app.db.RecentAudit(t.Context(), 100)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[audit.Kind]int{}
			for _, r := range rows {
				seen[r.Kind]++
			}
			if seen[audit.FactorAdded] != 1 || seen[audit.FactorFailed] != 2 || seen[audit.FactorRemoved] != 1 || seen[audit.RecoveryCodesMade] != 1 {
				t.Errorf("on record: %v", seen)
			}
			if len(*violations) > 0 {
				t.Errorf("the browser complained:\n%s", strings.Join(*violations, "\n"))
			}
		})
	}
}
