package diagnosis

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	longest   = 600 // characters of a value that are kept
	secretive = 40  // so many letters and digits in a row may be a secret or a token
	numbers   = 11  // so many digits in a row may be a person's number
)

// Clean is what may be kept of a value that somebody sent: one line, not too
// long, without what could be a secret, a token or a person's number. Whoever
// puts a token where a name belongs finds its beginning in the log, no more.
func Clean(s string) string {
	var out strings.Builder
	n, rest := 0, s
	for rest != "" && n <= longest {
		run := strings.IndexFunc(rest, func(r rune) bool { return !wordy(r) })
		switch {
		case run < 0:
			run = len(rest)
		case run == 0:
			r, size := utf8.DecodeRuneInString(rest)
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
				r = ' '
			}
			out.WriteRune(r)
			n++
			rest = rest[size:]
			continue
		}
		word := hide(rest[:run])
		out.WriteString(word)
		n += len(word)
		rest = rest[run:]
	}
	cut := []rune(out.String())
	if len(cut) > longest || rest != "" {
		return string(cut[:min(len(cut), longest)]) + "…"
	}
	return string(cut)
}

func wordy(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_' || r == '+'
}

// hide cuts a word down to its beginning if it may be more than a word.
func hide(word string) string {
	if len(word) >= secretive {
		return word[:6] + "…"
	}
	digits := 0
	for i := range len(word) {
		if word[i] < '0' || word[i] > '9' {
			digits = 0
			continue
		}
		if digits++; digits == numbers {
			return word[:i+4-numbers] + "…"
		}
	}
	return word
}
