package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/torch"
)

// synthetic makes accounts of a former platform that never was: units and persons
// whose numbers are right and nobody's (regions that were never issued), the same
// for the same seed. Every sixteenth has something in its way here.
type synthetic struct {
	seed uint64
	phc  string // of the password of all accounts of platform; empty: they have none
}

// roll gives a number below n for the i-th account and what it is for.
func (s synthetic) roll(i int, what string, n int) int {
	h := sha256.Sum256([]byte(strconv.FormatUint(s.seed, 10) + "|" + strconv.Itoa(i) + "|" + what))
	return int(binary.BigEndian.Uint64(h[:8]) % uint64(n)) //nolint:gosec // n is small
}

// unit tells whether the i-th account is a unit's.
func (s synthetic) unit(i int) bool { return i%5 < 3 }

// outcome is what the i-th account comes to where the accounts of platform are in
// the database; without them all come to E1 or I1.
func (s synthetic) outcome(i int) torch.Code {
	if s.roll(i, "case", 16) > 0 && i > 20 { // the first ones have every case
		if s.unit(i) {
			return torch.E1
		}
		return torch.I1
	}
	if s.unit(i) {
		return []torch.Code{torch.E1, torch.E2, torch.E3, torch.E4, torch.E5}[(i/5*3+i%5)%5]
	}
	return []torch.Code{torch.I1, torch.I2, torch.I3, torch.I4, torch.I5, torch.I6}[(i/5*2+i%5-3)%6]
}

// uscc is the code of an enterprise of a region that has none.
func (s synthetic) uscc(i int) string {
	return string(account.CompleteUSCC(fmt.Sprintf("91110000%08d", (s.seed*7919+uint64(i))%1e8))) //nolint:gosec // i counts up from 0
}

func (s synthetic) mobile(i int) string {
	return fmt.Sprintf("1%d%09d", 3+s.roll(i, "prefix", 7), i)
}

// resident is an identity number of a region that was never issued.
func (s synthetic) resident(i int) string {
	birth := time.Date(1955, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i/999%16000)
	return account.CompleteResidentID(fmt.Sprintf("%06d%s%03d", 110000+i/15984000*10000, birth.Format("20060102"), i%999+1))
}

// password is what the owner of a key typed on the former platform.
func (s synthetic) password(key string) string {
	h := sha256.Sum256([]byte(strconv.FormatUint(s.seed, 10) + "|" + key))
	return "Torch-" + hex.EncodeToString(h[:4])
}

var syntheticSchemes = []string{"md5-salt-password", "sha1", "sha256-password-salt", "sm3-salt-password", "sha512"}

// row is the i-th line of the file.
func (s synthetic) row(i int) ([]string, error) {
	scheme, salt := syntheticSchemes[s.roll(i, "scheme", len(syntheticSchemes))], ""
	if strings.Contains(scheme, "salt") {
		salt = fmt.Sprintf("%08x", s.roll(i, "salt", 1<<31))
	}
	kind, key, name, id := "自然人", s.mobile(i), "", s.resident(i)
	if s.unit(i) {
		kind, key, name, id = "法人", s.uscc(i), fmt.Sprintf("样例科技%d号有限公司", i), ""
	}
	digest, err := torch.Password{Scheme: scheme, Salt: []byte(salt)}.Recompute(s.password(key))
	if err != nil {
		return nil, err
	}
	created := time.Date(2012, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(s.roll(i, "created", 100_000)) * time.Hour)
	return []string{kind, key, name, "样例" + "甲乙丙丁戊己庚辛"[s.roll(i, "name", 8)*3:][:3], s.mobile(i), id, hex.EncodeToString(digest), scheme, salt, created.Format("2006-01-02 15:04:05")}, nil
}

// generateTorch writes a file of n accounts.
func generateTorch(path string, n int, seed uint64) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %s", path, cause(err))
	}
	buffered := bufio.NewWriterSize(f, 1<<20)
	w, s := csv.NewWriter(buffered), synthetic{seed: seed}
	err = w.Write([]string{"类型", "用户名", "单位名称", "联系人", "手机号", "身份证号", "密码散列", "算法", "盐", "注册时间"})
	for i := 0; i < n && err == nil; i++ {
		var row []string
		if row, err = s.row(i); err == nil {
			err = w.Write(row)
		}
	}
	w.Flush()
	return errors.Join(err, w.Error(), buffered.Flush(), f.Close())
}

// syntheticPlatform refuses where anybody is at home.
func (a *app) syntheticPlatform(ctx context.Context, n int, seed uint64) error {
	some, err := a.db.Accounts(ctx, "", 1)
	if err != nil {
		return err
	}
	if len(some) > 0 {
		return errors.New("--platform makes accounts for trials: it wants a database without any")
	}
	return synthetic{seed: seed}.platform(ctx, a, n)
}

// platform makes the accounts here that stand in the way of the first n of the
// file, so that every outcome comes about.
func (s synthetic) platform(ctx context.Context, a *app, n int) error {
	for i := range n {
		code := s.outcome(i)
		if code == torch.E1 || code == torch.I1 {
			continue
		}
		if err := a.db.InTx(ctx, func(ctx context.Context) error {
			if s.unit(i) {
				return s.unitsWay(ctx, a, i, code)
			}
			return s.personsWay(ctx, a, i, code)
		}); err != nil {
			return fmt.Errorf("account in the way of row %d: %w", i+2, err)
		}
	}
	return nil
}

func (s synthetic) put(ctx context.Context, a *app, kind account.Kind, login, unit, id, phone string) (account.ID, error) {
	key, err := account.NormaliseLogin(login)
	if err != nil {
		return "", err
	}
	at := a.clock()
	who := account.Account{ID: account.NewID(), Kind: kind, State: account.Active, LoginName: login, LoginKey: key, UnitID: unit, CreatedAt: at, UpdatedAt: at,
		RealName: account.RealName{Status: account.StatusUnverified, Level: "L0"}}
	if id != "" {
		who.RealName = account.RealName{Status: account.StatusVerified, Level: "L2", Method: account.MethodAuto, VerifiedAt: at}
		who.Profile.Name, who.Profile.IDType, who.Profile.IDNumber = "样例", account.DocResident, id
	}
	who.Profile.Phone, who.Profile.PhoneVerified = phone, phone != ""
	return who.ID, a.db.PutAccount(ctx, who, s.phc, deed(audit.AccountCreated, string(who.ID), "synthetic"))
}

func (s synthetic) unitsWay(ctx context.Context, a *app, i int, code torch.Code) error {
	uscc := s.uscc(i)
	legal := func(login string, verified bool) error {
		u := account.Unit{ID: string(account.NewID()), USCC: account.USCC(uscc), Name: fmt.Sprintf("样例科技%d号有限公司", i), Type: account.UnitEnterprise, Region: "110000",
			RegistrationAuthority: "9", Status: account.UnitRegistered, State: account.Active, RealName: account.RealName{Status: account.StatusUnverified, Level: "L0"}}
		if verified {
			u.RealName = account.RealName{Status: account.StatusVerified, Level: "L2", Method: account.MethodAuto, VerifiedAt: a.clock()}
		}
		id, err := s.put(ctx, a, account.LegalEntity, login, u.ID, "", "")
		if err != nil {
			return err
		}
		u.AccountID = id
		return a.db.PutUnit(ctx, u, deed(audit.AccountChanged, u.ID, "synthetic"))
	}
	var err error
	switch code {
	case torch.E2:
		return legal(uscc, false)
	case torch.E3:
		_, err = s.put(ctx, a, account.NaturalPerson, uscc, "", "", "")
	case torch.E4:
		return legal("unit-"+strings.ToLower(uscc[8:17]), true)
	case torch.E5:
		if _, err = s.put(ctx, a, account.NaturalPerson, uscc, "", "", ""); err == nil {
			err = legal("unit-"+strings.ToLower(uscc[8:17]), true)
		}
	}
	return err
}

func (s synthetic) personsWay(ctx context.Context, a *app, i int, code torch.Code) error {
	mobile, id, other := s.mobile(i), s.resident(i), fmt.Sprintf("person-%d", i)
	var err error
	switch code {
	case torch.I2:
		_, err = s.put(ctx, a, account.NaturalPerson, mobile, "", id, "")
	case torch.I3:
		_, err = s.put(ctx, a, account.NaturalPerson, mobile, "", "", "+8619900000000")
	case torch.I4:
		_, err = s.put(ctx, a, account.NaturalPerson, other, "", id, "")
	case torch.I5:
		if _, err = s.put(ctx, a, account.NaturalPerson, mobile, "", "", "+8619900000000"); err == nil {
			_, err = s.put(ctx, a, account.NaturalPerson, other, "", id, "")
		}
	case torch.I6:
		if _, err = s.put(ctx, a, account.NaturalPerson, mobile, "", "", "+86"+mobile); err == nil {
			_, err = s.put(ctx, a, account.NaturalPerson, other, "", id, "")
		}
	}
	return err
}
