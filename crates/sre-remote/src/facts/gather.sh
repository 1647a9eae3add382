# Reads what a host says about itself and changes nothing. For any POSIX shell (dash, bash, busybox); what is not there
# leaves its part empty. Without single quotes, so that quoting it once makes it hardly longer.
LC_ALL=C
export LC_ALL
part() { printf "\n#sre-facts %s\n" "$1"; }
show() { part "$1"; cat "$2" 2>/dev/null; }

part hostname
cat /proc/sys/kernel/hostname 2>/dev/null || hostname 2>/dev/null || uname -n 2>/dev/null
part kernel
uname -srm 2>/dev/null
show os /etc/os-release || cat /usr/lib/os-release 2>/dev/null
show meminfo /proc/meminfo
show loadavg /proc/loadavg

# Two looks at the CPUs with nothing of ours in between.
show uptime /proc/uptime
part stat
if [ -r /proc/stat ]; then
    # The lines of the cores come first; what follows them can be long.
    while IFS= read -r line; do
        case $line in cpu*) printf "%s\n" "$line" ;; *) break ;; esac
    done </proc/stat
    sleep 0.6 2>/dev/null || sleep 1
    show uptime-after /proc/uptime
    part stat-after
    IFS= read -r line </proc/stat && printf "%s\n" "$line"
fi

# Last, because a broken disk may never answer; filesystems of other machines are not asked at all.
kinds="ext[234]|xfs|btrfs|zfs|f2fs|bcachefs|jfs|reiserfs|nilfs2|ubifs|jffs2|vfat|exfat|ntfs3?|tmpfs"
found=$(grep -E "^([^ ]+ ){4}/ | - ($kinds) " /proc/self/mountinfo 2>/dev/null | head -n 500)
part mounts
set --
set -f
IFS="
"
for line in $found; do
    point=${line#* * * * }
    point=${point%% *}
    case $line in *" - tmpfs "*) case $point in /tmp | /run) ;; *) continue ;; esac ;; esac
    printf "%s\n" "$line"
    case $point in
    *[!A-Za-z0-9/._-]*)
        # The kernel writes a space as backslash 040, printf wants backslash 0040.
        point=$(printf "%s" "$point" | sed "s/[\]\([0-7][0-7][0-7]\)/\\\\0\1/g")
        point=$(printf "%b" "$point")
        ;;
    esac
    set -- "$@" "$point"
done
if [ $# -gt 0 ]; then
    part statfs
    if ! stat -f -c "%S %b %f %a %c %d %n" "$@" 2>/dev/null; then
        part df
        df -kP "$@" 2>/dev/null
    fi
fi
part end
