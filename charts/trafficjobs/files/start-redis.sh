#!/bin/sh
# Starts the server of either image, with users made of the mounted passwords: the file of rules holds no secret, and the
# server reads hashes only. Runs in every shell, with dash and with busybox.
set -eu
umask 077
users=/run/redis/users.acl
# Nobody can sign in as default. It may do everything because the server reads its append-only file as this user, and would
# leave out every transaction that a right is missing for: that is, all that our scripts have written.
echo "user default off resetpass ~* &* +@all" >"$users"
while read -r name rules; do
    if [ ! -s "/run/secrets/redis/$name-password" ]; then
        echo "The Secret of the passwords lacks the key $name-password." >&2
        exit 1
    fi
    hash=$(tr -d '\n' <"/run/secrets/redis/$name-password" | sha256sum | cut -d ' ' -f 1)
    echo "user $name on #$hash $rules" >>"$users"
done </etc/redis/rules
server=$(command -v valkey-server || command -v redis-server)
exec "$server" /etc/redis/redis.conf
