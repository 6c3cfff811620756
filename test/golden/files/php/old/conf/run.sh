#!/bin/bash
# What the unit of a PHP site runs: php-fpm, and Apache before it. Where either of them ends, both do, and systemd starts anew.

release=@ROOT@
socket=/run/silver/@VCL@/php.sock

# As Debian names it: php-fpm8.2, php-fpm8.4. Its own service, with a pool for everybody, does not run on a node.
programs=(/usr/sbin/php-fpm[0-9]*)
php_fpm=${programs[-1]}

apache=
stopping=
# As Apache alone understands it: listen no more, and let requests finish.
stop() {
  stopping=yes
  [[ -z $apache ]] || kill -WINCH "$apache"
}
trap stop WINCH

"$php_fpm" --nodaemonize --force-stderr --fpm-config "$release/conf/php-fpm.conf" &
php=$!
until [[ -S $socket ]]; do
  kill -0 "$php" 2>/dev/null || exit 1
  sleep 0.02
done

if [[ -z $stopping ]]; then
  /usr/sbin/apache2 -f "$release/conf/apache.conf" -DFOREGROUND &
  apache=$!
  while kill -0 "$apache" && kill -0 "$php"; do
    # A signal ends the wait, too.
    wait -n "$apache" "$php"
  done 2>/dev/null
fi

if [[ -n $apache ]] && kill -TERM "$apache" 2>/dev/null; then
  wait "$apache"
fi
# What a request does after its answer is let finish, for the time that php-fpm.conf gives it.
if kill -QUIT "$php" 2>/dev/null; then
  wait "$php"
fi
[[ -n $stopping ]]
