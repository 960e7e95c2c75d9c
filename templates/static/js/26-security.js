// Passkeys: asks the browser for one and sends what it says with the form.
(function () {
  "use strict";
  function bytes(text) {
    var raw = atob(text.replace(/-/g, "+").replace(/_/g, "/")), out = new Uint8Array(raw.length);
    for (var i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out;
  }
  function text(buffer) {
    var raw = "";
    new Uint8Array(buffer).forEach(function (b) { raw += String.fromCharCode(b); });
    return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }
  function known(list) {
    return (list || []).map(function (c) { return Object.assign({}, c, { id: bytes(c.id) }); });
  }
  function asked(options) {
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    if (options.excludeCredentials) options.excludeCredentials = known(options.excludeCredentials);
    if (options.allowCredentials) options.allowCredentials = known(options.allowCredentials);
    return { publicKey: options };
  }
  function said(c) {
    var response = { clientDataJSON: text(c.response.clientDataJSON) };
    ["attestationObject", "authenticatorData", "signature", "userHandle"].forEach(function (name) {
      if (c.response[name]) response[name] = text(c.response[name]);
    });
    if (c.response.getTransports) response.transports = c.response.getTransports();
    return JSON.stringify({ id: c.id, rawId: text(c.rawId), type: c.type, response: response, clientExtensionResults: {} });
  }
  document.querySelectorAll("form[data-passkey]").forEach(function (form) {
    if (!window.PublicKeyCredential || !navigator.credentials) return;
    var go = form.querySelector("[data-go]"), why = form.querySelector("[data-why]");
    form.querySelector("[data-without]").hidden = true;
    go.hidden = false;
    go.addEventListener("click", function () {
      go.disabled = true;
      why.hidden = true;
      navigator.credentials[form.dataset.passkey](asked(JSON.parse(form.dataset.options))).then(function (c) {
        form.elements.answer.value = said(c);
        form.submit();
      }).catch(function () {
        go.disabled = false;
        why.textContent = form.dataset.failed;
        why.hidden = false;
      });
    });
    form.addEventListener("submit", function (event) {
      if (!form.elements.answer.value) { event.preventDefault(); go.click(); }
    });
  });
})();
