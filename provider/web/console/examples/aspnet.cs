// Program.cs, with Microsoft.AspNetCore.Authentication.OpenIdConnect
builder.Services.AddAuthentication(options =>
{
    options.DefaultScheme = CookieAuthenticationDefaults.AuthenticationScheme;
    options.DefaultChallengeScheme = OpenIdConnectDefaults.AuthenticationScheme;
})
.AddCookie()
.AddOpenIdConnect(options =>
{
    options.Authority = "{{.Issuer}}";
    options.ClientId = "{{.ClientID}}";
    options.ClientSecret = builder.Configuration["FUWU_CLIENT_SECRET"];
    options.ResponseType = "code";              // PKCE is on by default
    options.CallbackPath = "/callback";         // the path of {{.Redirect}}
    options.Scope.Clear();
{{range .Scopes}}    options.Scope.Add("{{.}}");
{{end}}    options.GetClaimsFromUserInfoEndpoint = true;
    options.MapInboundClaims = false;
});
