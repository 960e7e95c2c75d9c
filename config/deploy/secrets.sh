#!/bin/sh
# Makes every secret that docker-compose.yml mounts, once:
#
#   sh config/deploy/secrets.sh
#
# They go to config/deploy/secrets (or the directory given), each readable by its
# owner alone, and what exists is kept. The containers run as whoever owns them:
# run by root, that is user 65532; otherwise .env in the current directory says
# who. For a real installation replace tls.pem and tls.key by a certificate of
# your authority, and keep a copy of root_key apart from the database's backups.
set -eu
umask 077
dir=${1:-$(dirname "$0")/secrets}
mkdir -p "$dir"
cd_back=$(pwd)
cd "$dir"

random() { openssl rand -hex 32; }
[ -s root_key ] || openssl rand -base64 32 >root_key
[ -s database_password ] || random >database_password
[ -s database_dsn ] || printf 'postgres://kejitong:%s@database:5432/kejitong?sslmode=disable\n' "$(cat database_password)" >database_dsn
[ -s hightech_client ] || random >hightech_client
[ -s sme_client ] || random >sme_client

# A certificate authority of this machine's own; browsers warn until ca.pem is
# imported. Its key is not kept, so nobody can sign anything else with it.
if ! [ -s tls.pem ] || ! [ -s tls.key ] || ! [ -s ca.pem ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 \
    -subj '/CN=Kejitong on this machine' -addext 'keyUsage=critical,keyCertSign' \
    -keyout ca.key -out ca.pem 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=sso.localhost' \
    -keyout tls.key -out tls.csr 2>/dev/null
  printf 'subjectAltName=DNS:sso.localhost,DNS:hightech.localhost,DNS:sme.localhost\nextendedKeyUsage=serverAuth\n' >tls.ext
  openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 -sha256 -extfile tls.ext -out tls.pem 2>/dev/null
  rm -f ca.key ca.srl tls.csr tls.ext
fi

if [ "$(id -u)" = 0 ]; then
  chown -R 65532:65532 .
else
  cd "$cd_back"
  printf 'RUN_AS=%s:%s\n' "$(id -u)" "$(id -g)" >.env
fi
