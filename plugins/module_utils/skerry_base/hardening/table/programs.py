"""What mounts, sshd, AppArmor, audit, systemd, logins and files are told."""

from __future__ import annotations

from ..model import Kind, Setting, Source

_CIS, _DEV_SEC, _SSH = Source.CIS, Source.DEV_SEC, Source.SSH_AUDIT
_ALL = "nosuid,nodev,noexec"


def _mount(place: str, options: str, reason: str, source: Source = _CIS) -> Setting:
    return Setting(Kind.MOUNT, place, options, reason, source)


def _sshd(key: str, value: str, reason: str, source: Source = _CIS) -> Setting:
    return Setting(Kind.SSHD, key, value, reason, source)


def _audit(key: str, reason: str, *rules: str) -> Setting:
    """Rules as `auditctl -l` prints them, their key left out."""
    return Setting(Kind.AUDIT, key, "\n".join(rules), reason, _CIS)


def _mode(path: str, value: str, reason: str) -> Setting:
    return Setting(Kind.MODE, path, value, reason, _CIS)


MOUNTS = (
    _mount("/proc", "hidepid=invisible,gid=adm", "a user sees only processes of their own, none of containers. The group "
           "adm, and systemd-logind with it, sees all", Source.SYSTEMD),
    _mount("/dev/shm", _ALL, "a folder that everybody writes to holds no program and no device"),
    _mount("/tmp", _ALL, "the same"),
    _mount("/run", _ALL, "no program is ever started from there"),
    _mount("/boot", _ALL, "what lies there is read by firmware, GRUB and root only"),
    _mount("/boot/efi", _ALL, "the same"),
    _mount("/boot.1", _ALL, "the same, on a mirror's other disk"),
    _mount("/boot.1/efi", _ALL, "the same"),
    _mount("/var/log", _ALL, "logs are no programs"),
    _mount("/home", "nosuid,nodev", "a user's files give nobody more rights"),
)  # fmt: skip

SSHD = (
    _sshd("x11forwarding", "no", "a server has no screen"),
    _sshd("allowagentforwarding", "no", "root on this server can't use the keys of who logs in"),
    _sshd("allowtcpforwarding", "no", "nobody tunnels past the firewall to containers or onwards"),
    _sshd("allowstreamlocalforwarding", "no", "nor to the sockets of the engine and the proxy"),
    _sshd("permittunnel", "no", "nor with a network device"),
    _sshd("gatewayports", "no", "nor for others"),
    _sshd("hostbasedauthentication", "no", "no host vouches for its users"),
    _sshd("ignorerhosts", "yes", "the same"),
    _sshd("permitemptypasswords", "no", "no account without a secret"),
    _sshd("permituserenvironment", "no", "a key's owner sets no variables before the shell starts"),
    _sshd("strictmodes", "yes", "keys that others could have written do not count"),
    _sshd("compression", "no", "no code for it before somebody has logged in", _DEV_SEC),
    _sshd("logingracetime", "30", "who does not log in within 30 s is hung up on"),
    _sshd("maxauthtries", "6", "after six keys it hangs up; fewer would lock out who carries many"),
    _sshd("loglevel", "VERBOSE", "the log says by which key somebody came"),
    _sshd("requiredrsasize", "2048", "no short RSA keys; 3072 is advised, and would lock out who has one of 2048", _SSH),
    _sshd("kexalgorithms", "mlkem768x25519-sha256,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,"
          "curve25519-sha256,curve25519-sha256@libssh.org", "the first ones hold against quantum computers", _SSH),
    _sshd("ciphers", "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,"
          "aes256-ctr", "no cipher that is known to be weak", _SSH),
    _sshd("macs", "hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,umac-128-etm@openssh.com",
          "encrypt first, then sign; no SHA-1", _SSH),
)  # fmt: skip

AUDIT = (
    Setting(Kind.APPARMOR, "enforce", "enforced", "AppArmor is on, and no program runs that it merely watches", _CIS),
    _audit("identity", "who changes accounts and passwords",
           *(f"-w /etc/{name} -p wa" for name in ("passwd", "group", "shadow", "gshadow", "security/opasswd"))),
    _audit("ssh", "who changes how people get in", "-w /etc/ssh/sshd_config -p wa", "-w /etc/ssh/sshd_config.d -p wa",
           "-w /root/.ssh -p wa"),
    _audit("sudo", "who becomes root", "-w /etc/sudoers -p wa", "-w /etc/sudoers.d -p wa"),
    _audit("platform", "who changes what Skerry rests on", "-w /etc/skerry -p wa", "-w /etc/apparmor.d -p wa",
           "-w /etc/systemd/system -p wa"),
    _audit("boot", "who changes what boots", "-w /boot -p wa", "-w /etc/default/grub.d -p wa"),
    _audit("modules", "what comes into the kernel", "-a always,exit -F arch=b64 -S init_module,delete_module,finit_module"),
    _audit("kexec", "who starts another kernel", "-a always,exit -F arch=b64 -S kexec_load,kexec_file_load"),
    _audit("time", "who turns back the clock of the logs", "-a always,exit -F arch=b64 -S settimeofday,clock_settime"
           " -F auid!=-1"),
    _audit("audit", "who changes these rules", "-w /etc/audit -p wa"),
)  # fmt: skip

MANAGER = (
    Setting(Kind.SYSTEMD, "DefaultLimitCORE", "0", "no service leaves its memory behind when it crashes", Source.SYSTEMD),
)  # fmt: skip

SESSIONS = (
    Setting(Kind.SESSION, "umask", "0027", "what somebody makes by hand is not for everybody to read", _CIS),
    Setting(
        Kind.SESSION, "core", "0", "no program of somebody who logged in leaves its memory behind", _DEV_SEC
    ),
)

_SETUID = "runs as root for whoever starts it. Root can still use it"
_CRON = "only root reads what runs when"

FILES = (
    *(_mode(path, "root root 0755", _SETUID) for path in (
        "/usr/bin/chage", "/usr/bin/chfn", "/usr/bin/chsh", "/usr/bin/expiry", "/usr/bin/fusermount3", "/usr/bin/gpasswd",
        "/usr/bin/mount", "/usr/bin/newgrp", "/usr/bin/umount", "/usr/lib/openssh/ssh-keysign",
        "/usr/libexec/lxc/lxc-user-nic",
    )),
    _mode("/boot", "root root 0700", "kernels, their symbols and the initramfs are nobody else's business"),
    _mode("/boot.1", "root root 0700", "the same, on a mirror's other disk"),
    _mode("/root", "root root 0700", "root's own files"),
    _mode("/etc/ssh/sshd_config", "root root 0600", "only root reads how people get in"),
    *(_mode(path, "root root 0700", _CRON) for path in (
        "/etc/cron.d", "/etc/cron.daily", "/etc/cron.hourly", "/etc/cron.monthly", "/etc/cron.weekly",
    )),
    _mode("/etc/crontab", "root root 0600", _CRON),
    _mode("/etc/shadow", "root shadow 0640", "the passwords' digests"),
    _mode("/etc/gshadow", "root shadow 0640", "the groups' digests"),
)  # fmt: skip
