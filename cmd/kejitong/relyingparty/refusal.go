package relyingparty

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode"

	"golang.org/x/oauth2"
)

// refusal is why something did not happen, as a person reads it.
type refusal struct {
	Status  int
	Title   string
	English string
	Why     string
	Next    string // what to do about it

	Code        string // error, as the provider named it
	Description string // error_description, as the provider wrote it
	Retry       string // path to try again, none if empty

	cause error // for the log; never holds a token
}

const again = "/login"

func answerMalformed() *refusal {
	return &refusal{Status: 400, Title: "登录应答不完整", English: "Malformed sign-in response", Why: "平台返回的登录应答缺少必要参数，或同一参数出现多次。", Next: "请重新登录。", Retry: again}
}

func stateUnknown() *refusal {
	return &refusal{Status: 400, Title: "这次登录不是从本浏览器发起的", English: "Unknown or expired sign-in attempt", Why: "登录请求已过期、已使用过，或由其他浏览器发起。为防止他人冒用，本系统不予接受。", Next: "请在本浏览器重新登录；如果页面停留超过 10 分钟，也会出现此提示。", Retry: again}
}

func issuerWrong() *refusal {
	return &refusal{Status: 400, Title: "登录应答来源不符", English: "Response from another issuer", Why: "应答声明的平台不是本系统所接入的统一认证平台（RFC 9207）。", Next: "请重新登录；如反复出现，请联系系统管理员。", Retry: again}
}

func badLoginRequest(why string) *refusal {
	return &refusal{Status: 400, Title: "无法发起登录", English: "Sign-in request refused", Why: why, Next: "请从本系统首页登录。"}
}

func providerDown(r *http.Request, cause error) *refusal {
	if r.Context().Err() != nil {
		cause = context.Cause(r.Context())
	}
	return &refusal{Status: 503, Title: "统一认证平台暂时无法连接", English: "Sign-in service unreachable", Why: "本系统已多次尝试连接统一认证平台，均未成功。已登录的用户不受影响。", Next: "请稍候片刻再试。", Retry: again, cause: cause}
}

func exchangeFailed(r *http.Request, err error) *refusal {
	var told *oauth2.RetrieveError
	if !errors.As(err, &told) {
		return providerDown(r, errors.New("token endpoint not reachable or its answer not readable"))
	}
	status := http.StatusBadRequest
	if told.Response != nil && told.Response.StatusCode >= 500 {
		status = http.StatusBadGateway
	}
	return &refusal{Status: status, Title: "平台没有签发令牌", English: "Token request refused", Why: "统一认证平台拒绝了本系统的令牌请求：授权可能已过期、已使用或已被撤销。", Next: "请重新登录。", Retry: again,
		Code: legible(told.ErrorCode, 100), Description: legible(told.ErrorDescription, 500), cause: errors.New("token endpoint: " + legible(told.ErrorCode, 100))}
}

// refusedBy is the error code with which the token endpoint answered.
func refusedBy(err error) string {
	var told *oauth2.RetrieveError
	if errors.As(err, &told) {
		return told.ErrorCode
	}
	return ""
}

func tokenInvalid(cause error) *refusal {
	return &refusal{Status: 502, Title: "身份令牌未通过校验", English: "ID token rejected", Why: "身份令牌的签名、签发者、受众、有效期或随机数不符合要求，本系统不予采信。", Next: "请重新登录；如反复出现，请联系系统管理员。", Retry: again, cause: cause}
}

func userinfoFailed(cause error) *refusal {
	return &refusal{Status: 502, Title: "用户信息无法取得", English: "Userinfo rejected", Why: "用户信息接口没有应答，或其用户与身份令牌不一致。", Next: "请重新登录。", Retry: again, cause: cause}
}

func introspectionFailed(cause error) *refusal {
	return &refusal{Status: 502, Title: "令牌内省没有成功", English: "Introspection failed", Why: "平台的内省接口没有给出可用的应答。", Next: "你仍处于登录状态，可返回首页再试。", cause: cause}
}

func unitMalformed() *refusal {
	return &refusal{Status: 502, Title: "单位信息不完整", English: "Unit without a number", Why: "令牌声明了单位，却没有统一社会信用代码，本系统无法确定你代表哪个单位。", Next: "请重新登录并选择单位。", Retry: again}
}

func unitSwitched(have, got *unit) *refusal {
	name := func(u *unit) string {
		if u == nil {
			return "（不代表任何单位）"
		}
		return strings.TrimSpace(u.Name + " " + u.USCC)
	}
	return &refusal{Status: 403, Title: "单位不一致，已拒绝", English: "Token for another unit refused", Why: "本次会话对应的单位是 " + name(have) + "，收到的令牌却对应 " + name(got) + "。一次会话只代表一个单位，不会在后台悄悄切换。",
		Next: "如需代表另一单位办理，请重新登录并选择该单位。", Retry: "/login?prompt=select_account"}
}

func personSwitched() *refusal {
	return &refusal{Status: 403, Title: "用户不一致，已拒绝", English: "Token for another person refused", Why: "收到的令牌属于另一个账号。", Next: "请重新登录。", Retry: "/login?prompt=select_account"}
}

func notSignedIn() *refusal {
	return &refusal{Status: 401, Title: "你尚未登录", English: "Not signed in", Why: "会话不存在、已过期或已退出。", Next: "请先登录。", Retry: again}
}

func noRefreshToken() *refusal {
	return &refusal{Status: 409, Title: "没有可用的刷新令牌", English: "No refresh token", Why: "平台没有为本系统签发刷新令牌。", Next: "需要新的令牌时，请重新登录。", Retry: again}
}

func signedOutHereOnly(cause error) *refusal {
	return &refusal{Status: 503, Title: "已退出本系统，但平台尚未退出", English: "Signed out here only", Why: "本系统的会话已经结束，但无法通知统一认证平台；在同一浏览器再次登录时可能不需要密码。", Next: "如使用公共电脑，请关闭浏览器。", cause: cause}
}

func foreignForm() *refusal {
	return &refusal{Status: 403, Title: "请求来自其他网站", English: "Cross-origin request refused", Why: "为防止冒用，本系统只接受由自己的页面提交的操作。", Next: "请从本系统首页操作。"}
}

func wrongMethod() *refusal {
	return &refusal{Status: 405, Title: "请求方式不对", English: "Method not allowed", Why: "此操作只能由页面上的按钮提交。", Next: "请从本系统首页操作。"}
}

func noSuchPage() *refusal {
	return &refusal{Status: 404, Title: "没有这个页面", English: "Page not found", Why: "地址有误，或页面已经移走。", Next: "请返回首页。"}
}

func ownFault(cause error) *refusal {
	return &refusal{Status: 500, Title: "本系统出错了", English: "Internal error", Why: "这不是你的操作造成的。", Next: "请稍后再试。", cause: cause}
}

// answeredError is the page for an error that the provider sent back through
// the browser (RFC 6749 §4.1.2.1, OIDC Core 3.1.2.6).
func answeredError(code, description string) *refusal {
	why, known := map[string]string{
		"access_denied":                         "你在平台上取消了登录或授权，或者你没有进入本系统的权限。",
		"login_required":                        "平台上没有可用的登录会话，需要你本人登录。",
		"interaction_required":                  "平台需要你本人操作才能继续。",
		"consent_required":                      "平台需要你本人同意向本系统提供信息。",
		"account_selection_required":            "平台需要你选择账号或单位。",
		"unmet_authentication_requirements":     "本系统要求的认证强度没有达到。",
		"temporarily_unavailable":               "平台暂时繁忙。",
		"server_error":                          "平台出现内部错误。",
		"invalid_request":                       "平台认为本系统的请求有误。",
		"invalid_scope":                         "本系统请求了未获批准的信息范围。",
		"unauthorized_client":                   "本系统尚未获准使用这种登录方式。",
		"unsupported_response_type":             "平台不支持本系统使用的登录方式。",
		"registration_not_supported":            "平台不支持该请求。",
		"request_not_supported":                 "平台不支持该请求。",
		"invalid_request_object":                "平台认为本系统的请求有误。",
		"insufficient_user_authentication":      "本系统要求的认证强度没有达到。",
		"insufficient_identity_assurance_level": "你的实名等级尚未达到本系统的要求。",
	}[code]
	if !known {
		why = "平台没有完成这次登录。"
	}
	return &refusal{Status: 400, Title: "登录没有完成", English: "Sign-in was not completed", Why: why, Next: "你可以重新登录，或使用其他账号。", Retry: again,
		Code: legible(code, 100), Description: legible(description, 500), cause: errors.New("provider answered " + legible(code, 100))}
}

// legible drops what does not print and cuts the rest: the text comes from
// outside and goes onto a page and into a log line.
func legible(s string, most int) string {
	return cut(strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, s), most)
}

func cut(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
