package main

import (
	"strings"
	"testing"
)

func TestAccountList(t *testing.T) {
	d := newDesk(t, "")
	d.refuses("limit", nil, nil, "account", "list", "--limit", "0")
	d.refuses("limit", nil, nil, "account", "list", "--limit", "1001")
	d.refuses("after", nil, nil, "account", "list", "--after", "a b")
	var list []accountReport
	d.tells(&list, "account", "list")
	if len(list) != 0 {
		t.Errorf("got %+v", list)
	}
	for _, login := range []string{"wangwu", "zhangsan", "lisi"} {
		d.person(login)
	}
	out := d.does("account", "list")
	for _, secret := range []string{"18711111111", "张三", aNumber} {
		if strings.Contains(out, secret) {
			t.Errorf("the list tells %q: %s", secret, out)
		}
	}
	d.tells(&list, "account", "list", "--limit", "2")
	if len(list) != 2 || list[0].Login != "lisi" || list[1].Login != "wangwu" || list[0].Name != "张*" {
		t.Errorf("got %+v", list)
	}
	d.tells(&list, "account", "list", "--after", "WangWu")
	if len(list) != 1 || list[0].Login != "zhangsan" {
		t.Errorf("got %+v", list)
	}
}
