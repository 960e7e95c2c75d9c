<?php // composer require jumbojett/openid-connect-php
require 'vendor/autoload.php';

$oidc = new Jumbojett\OpenIDConnectClient('{{.Issuer}}', '{{.ClientID}}', getenv('FUWU_CLIENT_SECRET'));
$oidc->setRedirectURL('{{.Redirect}}');
$oidc->addScope([{{range $i, $s := .Scopes}}{{if $i}}, {{end}}'{{$s}}'{{end}}]);
$oidc->setCodeChallengeMethod('S256');
$oidc->authenticate(); // goes there, comes back, checks state, nonce and the ID token
header('Content-Type: application/json');
echo json_encode($oidc->requestUserInfo());
