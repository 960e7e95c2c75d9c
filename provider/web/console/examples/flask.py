# flask run, with Flask, Authlib and requests
import os
from flask import Flask, jsonify, session
from authlib.integrations.flask_client import OAuth

app = Flask(__name__)
app.secret_key = os.environ["SESSION_KEY"]
fuwu = OAuth(app).register(
    "fuwu",
    client_id="{{.ClientID}}",
    client_secret=os.environ.get("FUWU_CLIENT_SECRET"),
    server_metadata_url="{{.Issuer}}/.well-known/openid-configuration",
    client_kwargs={"scope": "{{.Scope}}", "code_challenge_method": "S256"},
)

@app.get("/login")
def login():
    return fuwu.authorize_redirect("{{.Redirect}}")

@app.get("/callback")  # the path of {{.Redirect}}
def callback():
    token = fuwu.authorize_access_token()  # checks state, nonce and the ID token
    session["user"] = dict(fuwu.userinfo(token=token))
    return jsonify(session["user"])
