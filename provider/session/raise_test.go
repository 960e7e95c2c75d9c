package session_test

import (
	"testing"

	"kejitong/provider/session"
)

func TestClassOf(t *testing.T) {
	for _, c := range []struct {
		amr  []string
		want string
	}{
		{nil, session.ACRPassword},
		{[]string{"pwd"}, session.ACRPassword},
		{[]string{"sms"}, session.ACRPassword}, // one thing, whatever it is
		{[]string{"otp"}, session.ACRPassword},
		{[]string{"otp", "otp"}, session.ACRPassword},
		{[]string{"pwd", "sms"}, session.ACRSecond},
		{[]string{"pwd", "otp"}, session.ACRSecond},
		{[]string{"sms", "otp"}, session.ACRSecond},
		{[]string{"pwd", "hwk"}, session.ACRStrong},
		{[]string{"pwd", "sms", "swk"}, session.ACRStrong},
	} {
		if got := session.ClassOf(c.amr); got != c.want {
			t.Errorf("%v: %s, want %s", c.amr, got, c.want)
		}
	}
}
