package torch

import "strconv"

// prefix is what stands before the key where the key itself is taken: HJ_, then
// HJ2_ and so on. Nobody can register such a name.
func prefix(n int) string {
	if n == 1 {
		return "HJ_"
	}
	return "HJ" + strconv.Itoa(n) + "_"
}
