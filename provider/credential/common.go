package credential

import (
	"strings"
	"unicode/utf8"
)

// commonWords carry no surprise, whatever digits stand beside them: the words
// that lists of leaked passwords begin with, and those of this service.
const commonWords = "password passwd passwort senha admin administrator root login welcome letmein " +
	"iloveyou monkey dragon sunshine princess football baseball superman batman shadow master " +
	"michael jordan trustno1 freedom whatever starwars pokemon charlie donald hello secret test " +
	"guest user default change temp access qwerty qwertz azerty asdfgh zxcvbn qazwsx google " +
	"mima woaini woaiwojia zhongguo beijing shanghai guangdong shenzhen wangba xiaoming laopo laogong " +
	"nihao aini tianya taobao alipay weixin wechat baidu tencent huawei zhangsan lisi " +
	"kejitong keji huoju torch fuwu zhengwu gaoqi hightech renzheng shiming most.gov mostgov kexue jishu " +
	"科技通 科技部 科技 火炬 政务 服务 高企 认证 实名 密码 我爱你 中国 北京"

// commonWhole are whole passwords that no rule below finds.
const commonWhole = "a1b2c3d4 a1b2c3d4e5 1a2b3c4d 1a2b3c4d5e 5201314 a5201314 woaini1314 woaini520 " +
	"147258369 159357456 741852963 789456123 1qaz2wsx3edc zaq12wsx zaq1xsw2 q1w2e3r4 q1w2e3r4t5 " +
	"1q2w3e4r 1q2w3e4r5t p0o9i8u7 p@55w0rd g00dpa55 asd123456789 zxc123456789 " +
	"thisisapassword correcthorsebatterystaple abc123def456 qwe123asd456 qweasdzxc123"

// keyboardRows are read in both directions.
const keyboardRows = "1234567890 qwertyuiop asdfghjkl zxcvbnm qazwsxedcrfvtgbyhnujmikolp 1qaz2wsx3edc4rfv5tgb6yhn " +
	"qweasdzxc abcdefghijklmnopqrstuvwxyz"

// common tells whether a password is one that guessers try first.
func common(password string, deny []string) bool {
	plain := folded(password)
	keys := unshift.Replace(plain)
	spelled := unleet.Replace(plain)
	for _, w := range strings.Fields(commonWhole) {
		if plain == w || keys == w || strings.TrimRight(plain, "!@#.?*") == w {
			return true
		}
	}
	words := strings.Fields(commonWords)
	for _, d := range deny {
		if d = folded(strings.TrimSpace(d)); !tooShortToMatter(d) {
			words = append(words, d)
		}
	}
	return fewLeft(plain, words) || fewLeft(spelled, words) || predictable(plain) || predictable(keys) || repeats(plain)
}

var (
	// unshift undoes a held shift key on the digits' row.
	unshift = strings.NewReplacer("!", "1", "@", "2", "#", "3", "$", "4", "%", "5", "^", "6", "&", "7", "*", "8", "(", "9", ")", "0")
	// unleet undoes the usual stand-ins for letters.
	unleet = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")
)

// fewLeft tells whether less than eight characters remain without the words.
func fewLeft(s string, words []string) bool {
	rest := s
	for _, w := range words {
		rest = strings.ReplaceAll(rest, w, "")
	}
	return rest != s && utf8.RuneCountInString(rest) < 8
}

// predictable tells whether s is made of at most five runs of letters, digits
// or signs, each of which a finger or a calendar would produce.
func predictable(s string) bool {
	var runs []string
	last := 0
	for _, r := range s {
		kind := 3
		switch {
		case r >= '0' && r <= '9':
			kind = 1
		case r >= 'a' && r <= 'z':
			kind = 2
		case r >= utf8.RuneSelf:
			return false
		}
		if kind != last {
			runs, last = append(runs, ""), kind
		}
		runs[len(runs)-1] += string(r)
	}
	if len(runs) > 5 {
		return false
	}
	for _, run := range runs {
		if !obvious(run) {
			return false
		}
	}
	return true
}

// obvious judges one run: a single sign, a row of the keyboard, a count up or
// down, a repetition, a year or a date.
func obvious(run string) bool {
	if len(run) <= 1 || repeats(run) {
		return true
	}
	up, down, same := true, true, true
	for i := 1; i < len(run); i++ {
		a, b := run[i-1], run[i]
		up = up && (b == a+1 || a == '9' && b == '0')
		down = down && (b == a-1 || a == '0' && b == '9')
		same = same && a == b
	}
	if up || down || same {
		return true
	}
	for _, row := range strings.Fields(keyboardRows) {
		if strings.Contains(row, run) || strings.Contains(row, reversed(run)) {
			return true
		}
	}
	year := len(run) == 4 || len(run) == 6 || len(run) == 8
	return year && (strings.HasPrefix(run, "19") || strings.HasPrefix(run, "20")) && strings.Trim(run, "0123456789") == ""
}

// repeats tells whether s is one piece of at most four characters, or one
// half, over and over.
func repeats(s string) bool {
	r := []rune(s)
	for unit := 1; unit <= len(r)/2; unit++ {
		if (unit <= 4 || unit*2 == len(r)) && len(r)%unit == 0 && strings.Repeat(string(r[:unit]), len(r)/unit) == s {
			return true
		}
	}
	return false
}

func reversed(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
