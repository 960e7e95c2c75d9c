package account

import "strings"

// MaskName keeps the first character and shows at most two stars: 张*, 欧**.
func MaskName(name string) string {
	r := []rune(strings.TrimSpace(name))
	switch {
	case len(r) == 0:
		return ""
	case len(r) == 1:
		return "*"
	}
	return string(r[:1]) + strings.Repeat("*", min(len(r)-1, 2))
}

// MaskMobile keeps three digits and the last four, 187****1111, of a mainland
// number in any spelling. Of other numbers only the last two remain.
func MaskMobile(number string) string {
	if m, err := ParseMobile(number); err == nil {
		return string(m[:3]) + "****" + string(m[7:])
	}
	return keep(strings.TrimSpace(number), 0, 2)
}

// MaskLogin masks a login name that is a mobile number, or ends with one after
// the prefix of a migrated account. Other names are public.
func MaskLogin(name string) string {
	if _, err := ParseMobile(name); err == nil {
		return MaskMobile(name)
	}
	i := len(name) - 11
	if i < 0 || i > 0 && !strings.HasPrefix(strings.ToUpper(name), "HJ") || i > 0 && name[i-1] != '_' {
		return name
	}
	if _, err := ParseMobile(name[i:]); err != nil {
		return name
	}
	return name[:i] + MaskMobile(name[i:])
}

// MaskID keeps three characters and the last four of a number of 15 or more,
// 110***********003X; a shorter one keeps only its first and last.
func MaskID(number string) string {
	if len([]rune(number)) < 15 {
		return MaskIDPublic(number)
	}
	return keep(number, 3, 4)
}

// MaskIDPublic keeps the first and the last character, for pages that anybody
// may see.
func MaskIDPublic(number string) string { return keep(number, 1, 1) }

// MaskEmail keeps the first character and the domain: a***@x.cn.
func MaskEmail(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return keep(address, 0, 0)
	}
	local := []rune(address[:at])
	if len(local) < 2 {
		return "***" + address[at:]
	}
	return string(local[:1]) + "***" + address[at:]
}

// keep stars out all but the first head and last tail characters; what is too
// short to hide at least half of itself is starred out altogether.
func keep(s string, head, tail int) string {
	r := []rune(s)
	if len(r) < 2*(head+tail) {
		return strings.Repeat("*", len(r))
	}
	return string(r[:head]) + strings.Repeat("*", len(r)-head-tail) + string(r[len(r)-tail:])
}
