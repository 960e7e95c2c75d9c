package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/mail"
	"net/url"
	"os"
	"regexp"
	"time"

	"golang.org/x/text/language"

	"kejitong/provider/account"
)

// standardClaims are the claims of OpenID Connect Core §5.1 that an account may
// hold, as a certification suite wants to see them all.
type standardClaims struct {
	Name                string         `json:"name"`
	GivenName           string         `json:"given_name"`
	FamilyName          string         `json:"family_name"`
	MiddleName          string         `json:"middle_name"`
	Nickname            string         `json:"nickname"`
	PreferredUsername   string         `json:"preferred_username"`
	Profile             string         `json:"profile"`
	Picture             string         `json:"picture"`
	Website             string         `json:"website"`
	Email               string         `json:"email"`
	EmailVerified       bool           `json:"email_verified"`
	Gender              string         `json:"gender"`
	Birthdate           string         `json:"birthdate"`
	Zoneinfo            string         `json:"zoneinfo"`
	Locale              string         `json:"locale"`
	PhoneNumber         string         `json:"phone_number"`
	PhoneNumberVerified bool           `json:"phone_number_verified"`
	Address             *postalAddress `json:"address"`
}

// postalAddress is the address claim (OpenID Connect Core §5.1.1).
type postalAddress struct {
	Formatted     string `json:"formatted"`
	StreetAddress string `json:"street_address"`
	Locality      string `json:"locality"`
	Region        string `json:"region"`
	PostalCode    string `json:"postal_code"`
	Country       string `json:"country"`
}

// maxDocument bounds what is read of a JSON file, in bytes.
const maxDocument = 64 << 10

// readDocument reads a JSON file into v and refuses members that v does not
// know, since a misspelt member would be lost in silence.
func readDocument(flag, path string, v any) error {
	f, err := os.Open(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return refuse(flag, path, "cannot be read: "+cause(err))
	}
	b, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return refuse(flag, path, "cannot be read: "+cause(err))
	}
	if len(b) > maxDocument {
		return refuse(flag, path, "is larger than 64 KiB")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return refuse(flag, path, "is not the JSON that is wanted: "+err.Error())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refuse(flag, path, "holds more than one JSON object")
	}
	return nil
}

var (
	e164          = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	birthdateForm = regexp.MustCompile(`^([0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2})$`)
	zoneForm      = regexp.MustCompile(`^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$`)
)

// readProfile reads the standard claims of an account.
func readProfile(flag, path string) (account.Profile, error) {
	var c standardClaims
	if err := readDocument(flag, path, &c); err != nil {
		return account.Profile{}, err
	}
	if err := c.check(flag); err != nil {
		return account.Profile{}, err
	}
	return c.profile(), nil
}

// profile is what the account keeps of the claims.
func (c standardClaims) profile() account.Profile {
	p := account.Profile{
		Name: c.Name, GivenName: c.GivenName, FamilyName: c.FamilyName, MiddleName: c.MiddleName, Nickname: c.Nickname,
		PreferredUsername: c.PreferredUsername, ProfileURL: c.Profile, Picture: c.Picture, Website: c.Website, Gender: c.Gender,
		Birthdate: c.Birthdate, Zoneinfo: c.Zoneinfo, Locale: c.Locale, Email: c.Email, EmailVerified: c.EmailVerified,
		Phone: c.PhoneNumber, PhoneVerified: c.PhoneNumberVerified,
	}
	if a := c.Address; a != nil {
		p.Address = &account.Address{Formatted: a.Formatted, StreetAddress: a.StreetAddress, Locality: a.Locality, Region: a.Region, PostalCode: a.PostalCode, Country: a.Country}
	}
	return p
}

func (c standardClaims) check(flag string) error {
	texts := []struct{ member, value string }{
		{"name", c.Name}, {"given_name", c.GivenName}, {"family_name", c.FamilyName}, {"middle_name", c.MiddleName},
		{"nickname", c.Nickname}, {"preferred_username", c.PreferredUsername}, {"gender", c.Gender},
	}
	if a := c.Address; a != nil {
		texts = append(texts, []struct{ member, value string }{
			{"address.street_address", a.StreetAddress}, {"address.locality", a.Locality}, {"address.region", a.Region},
			{"address.postal_code", a.PostalCode}, {"address.country", a.Country},
		}...)
		if len(a.Formatted) > 1000 { // it may hold newlines (OpenID Connect Core §5.1.1)
			return refuse(flag, "address.formatted", "is longer than 1000 bytes")
		}
	}
	for _, t := range texts {
		if err := plain(flag+": "+t.member, t.value, 100); err != nil {
			return err
		}
	}
	for _, u := range []struct{ member, value string }{{"profile", c.Profile}, {"picture", c.Picture}, {"website", c.Website}} {
		if at, err := url.Parse(u.value); u.value != "" && (err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" || len(u.value) > 2048) {
			return refuse(flag, u.member, "is no https address")
		}
	}
	at, err := mail.ParseAddress(c.Email)
	_, tag := language.Parse(c.Locale)
	_, date := time.Parse(time.DateOnly, c.Birthdate)
	switch {
	case c.Email != "" && (err != nil || at.Address != c.Email):
		return refuse(flag, "email", "is no e-mail address")
	case c.PhoneNumber != "" && !e164.MatchString(c.PhoneNumber):
		return refuse(flag, "phone_number", "is no number such as +8613800000000")
	case c.Birthdate != "" && (!birthdateForm.MatchString(c.Birthdate) || len(c.Birthdate) > 4 && date != nil):
		return refuse(flag, "birthdate", "is no date such as 1990-01-31 and no year")
	case c.Zoneinfo != "" && !zoneForm.MatchString(c.Zoneinfo):
		return refuse(flag, "zoneinfo", "is no time zone such as Asia/Shanghai")
	case c.Locale != "" && tag != nil:
		return refuse(flag, "locale", "is no language such as zh-CN")
	}
	return nil
}
