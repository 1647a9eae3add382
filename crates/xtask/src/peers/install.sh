# Installs Debian packages without starting their services, now or at the next boot. Arguments: the packages. Run as root by `cargo xtask peers`.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
policy=/usr/sbin/policy-rc.d
saved=$policy.before-sre-toolkit

# invoke-rc.d asks policy-rc.d whether a service may start: 101 says no. Whatever stood there comes back at the end;
# after a kill -9 the next run finds the copy, or our mark, and puts things right.
restore() {
    if [ -e "$saved" ]; then mv -f "$saved" "$policy"; else rm -f "$policy"; fi
}
if [ -e "$policy" ] && ! grep -q 'mark: sre-toolkit' "$policy"; then mv -f "$policy" "$saved"; fi
log=$(mktemp)
trap 'restore; rm -f "$log"' EXIT
trap 'exit 130' HUP INT TERM
printf '#!/bin/sh\n# mark: sre-toolkit, while it installs packages\nexit 101\n' >"$policy"
chmod 755 "$policy"

apt() { apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 -qq "$@"; }
tries=0
# A broken third-party source fails the update, and need not matter.
until { apt update || true; apt install --yes --no-install-recommends "$@"; } >"$log" 2>&1; do
    tries=$((tries + 1))
    tail -n 20 "$log" >&2
    if [ "$tries" -ge 3 ]; then exit 1; fi
    echo "apt-get failed, once more in $((tries * 10)) s" >&2
    sleep $((tries * 10))
done
if command -v systemctl >/dev/null; then
    for package in "$@"; do
        case $package in openssh-server) units='ssh.service ssh.socket' ;; *) units=$package.service ;; esac
        # Without quotes: a word a unit.
        systemctl disable --quiet $units 2>/dev/null || true
    done
fi
