package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
)

// user is somebody who has signed in: the cookies of one browser.
type user struct {
	login   string
	cookies map[string]string
	text    string // the Cookie header; "" when it must be composed anew
}

// keep takes what an answer sets.
func (u *user) keep(a *answer) {
	for _, pair := range a.cookies {
		name, value, _ := strings.Cut(pair, "=")
		u.cookies[name], u.text = value, ""
	}
}

// header is the Cookie header.
func (u *user) header() string {
	if u.text != "" {
		return u.text
	}
	var b strings.Builder
	for name, value := range u.cookies {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(name + "=" + value)
	}
	u.text = b.String()
	return u.text
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

var errNoForm = errors.New("the page has no form to sign in with")

// signInForm reads the hidden fields of the form that asks for a password.
func signInForm(page []byte) (url.Values, error) {
	for _, form := range strings.Split(string(page), "<form")[1:] {
		form, _, _ = strings.Cut(form, "</form>")
		if !strings.Contains(form, `name="password"`) {
			continue
		}
		fields := url.Values{}
		for _, m := range hiddenField.FindAllStringSubmatch(form, -1) {
			fields.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
		}
		return fields, nil
	}
	return nil, errNoForm
}

// signIn walks the real way: the client's request, the page with the two
// windows, the form, and back until the browser is sent to the client.
func (s *site) signIn(ctx context.Context, p *peer, c relying, login string) (*user, error) {
	u := &user{login: login, cookies: map[string]string{}}
	request := newRequest(c)
	target := request.target()
	for range 8 {
		a, err := p.do(ctx, ask{method: "GET", target: target, cookie: u.header()})
		if err != nil {
			return nil, err
		}
		u.keep(a)
		switch {
		case a.status == 303 && strings.HasPrefix(a.location, c.redirect+"?"):
			if _, err := request.code(a); err != nil {
				return nil, err
			}
			return u, nil
		case a.status == 303 && strings.HasPrefix(a.location, "/"):
			target = a.location
			continue
		case a.status != 200 || !strings.HasPrefix(target, "/login?"):
			return nil, fmt.Errorf("sign in %s at %s: %w", login, target, a.unexpected("the sign-in page or a way on"))
		}
		form, err := signInForm(a.body)
		if err != nil {
			return nil, fmt.Errorf("sign in %s: %w", login, err)
		}
		form.Set("username", login)
		form.Set("password", s.password)
		form.Set("window", windowOf(login))
		if a, err = p.do(ctx, ask{method: "POST", target: target, cookie: u.header(), form: form.Encode(), html: true}); err != nil {
			return nil, err
		}
		u.keep(a)
		if a.status != 303 || !strings.HasPrefix(a.location, "/") {
			return nil, fmt.Errorf("sign in %s: %w", login, a.unexpected("303 to a page of ours"))
		}
		target = a.location
	}
	return nil, fmt.Errorf("sign in %s: too many redirects", login)
}
