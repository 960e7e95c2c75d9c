package account

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// What sandboxes are made of has ranges of its own, in which nobody real can be:
//
//	USCC      places 3 to 8 are 000000, a region that GB/T 2260 does not have
//	mobile    100 and eight digits; mobiles begin with 13 to 19, and behind the
//	          dialling code +86 10 no subscriber's number begins with 0
//	document  resident numbers that begin with 0000, a province that there is not
//
// Where somebody real is read (registration, real names, appeals, imports) the
// first is refused by ParseRealUSCC; ParseMobile and ParseResidentID refuse the
// others as they are.

const testRegion = "000000"

var testMobileForm = regexp.MustCompile(`^100[0-9]{8}$`)

// Test tells that the code is of the range of sandboxes: nobody real has it.
func (u USCC) Test() bool { return u.Region() == testRegion }

// ParseRealUSCC is ParseUSCC where a code stands for somebody real: those of
// sandboxes are refused.
func ParseRealUSCC(s string) (USCC, error) {
	u, err := ParseUSCC(s)
	if err == nil && u.Test() {
		return "", invalid("uscc", MsgTestRange)
	}
	return u, err
}

// ParseTestMobile accepts a mobile number of the range of sandboxes, in the
// spellings that ParseMobile accepts, and nothing else. No message may be sent to
// it.
func ParseTestMobile(s string) (Mobile, error) {
	const field = "mobile"
	c, err := compact(field, s)
	if err != nil {
		return "", err
	}
	for _, prefix := range []string{"", "+86", "0086", "86"} {
		if d, ok := strings.CutPrefix(c, prefix); ok && testMobileForm.MatchString(d) {
			return Mobile(d), nil
		}
	}
	return "", invalid(field, MsgMobileForm)
}

// Test tells that the number is of the range of sandboxes.
func (m Mobile) Test() bool { return testMobileForm.MatchString(string(m)) }

// TestNumber tells of a recipient in E.164 that it is a number of sandboxes, to
// which nothing is ever sent.
func TestNumber(e164 string) bool {
	d, ok := strings.CutPrefix(e164, "+86")
	return ok && Mobile(d).Test()
}

// testLogin are login names that sandboxes make: nobody registers one.
var testLogin = regexp.MustCompile(`^(sbx-.*|(\+?86|0086)?100[0-9]{8})$`)

// reservedForTests tells it of the key of a login name.
func reservedForTests(key string) bool {
	u, err := ParseUSCC(key)
	return err == nil && u.Test() || testLogin.MatchString(squeeze(key)) || testLogin.MatchString(key)
}

// NewTestUSCC makes an enterprise's code of the range of sandboxes.
func NewTestUSCC() USCC { return CompleteUSCC("91" + testRegion + chance(8)) }

// NewTestMobile makes a number of the range of sandboxes.
func NewTestMobile() Mobile { return Mobile("100" + chance(8)) }

// NewTestResidentID makes the number of a person who is not, of full age.
func NewTestResidentID() string {
	return CompleteResidentID(fmt.Sprintf("0000%s%d%02d%02d%s", chance(2), 1960+below(40), 1+below(12), 1+below(28), chance(3)))
}

// chance is n random digits.
func chance(n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte('0' + byte(below(10)))
	}
	return b.String()
}

func below(n int64) int64 {
	v, _ := rand.Int(rand.Reader, big.NewInt(n)) // never fails: crypto/rand ends the program instead
	return v.Int64()
}
