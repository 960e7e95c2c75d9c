#!/bin/sh
# Makes the two business systems of docker-compose.yml known to kejitong, once.
set -eu

system() { # code, Chinese name, English name, actions
  docker compose run --rm register system set --config /etc/kejitong/kejitong.yaml \
    --code "$1" --name-zh "$2" --name-en "$3" --action "$4" --unit-type enterprise --earned
}
system hightech_enterprise 高企认定管理工作网 "High-tech enterprise recognition" apply,report
system tech_sme 科技型中小企业评价 "Technology SME evaluation" apply

register() { # client id, name, system, host, secret
  docker compose run --rm register client add --config /etc/kejitong/kejitong.yaml \
    --id "$1" --name "$2" --system "$3" --first-party \
    --secret-file "/run/secrets/$5" \
    --redirect-uri "https://$4/cb" \
    --post-logout-redirect-uri "https://$4/signed-out" \
    --backchannel-logout-uri "https://$4/backchannel-logout"
}
register hightech-enterprise 高企认定管理工作网 hightech_enterprise hightech.localhost:8443 hightech_client
register tech-sme 科技型中小企业评价 tech_sme sme.localhost:8443 sme_client
