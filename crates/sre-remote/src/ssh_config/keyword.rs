//! The words of ssh_config(5), sorted by what they mean to us.

/// What a keyword is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `Host`, `Match`, `Include`, `IgnoreUnknown`, and the settings that count here.
    Supported,
    /// Changes how a host is reached, trusted or logged in to, and is not supported; unless its value is one of these.
    Unsupported(&'static [&'static str]),
    /// Of no consequence for running commands on a fleet.
    Ignored,
}

use Kind::{Ignored, Supported, Unsupported};

const NO: &[&str] = &["no", "false"];
const NONE: &[&str] = &["none"];
const ANY: &[&str] = &["any"];
const ALWAYS: &[&str] = &[];

/// All keywords of OpenSSH 10.0's readconf.c with the case of its manual, deprecated ones included.
const KEYWORDS: &[(&str, Kind)] = &[
    ("Host", Supported),
    ("Match", Supported),
    ("Include", Supported),
    ("IgnoreUnknown", Supported),
    ("HostName", Supported),
    ("User", Supported),
    ("Port", Supported),
    ("IdentityFile", Supported),
    ("IdentitiesOnly", Supported),
    ("IdentityAgent", Supported),
    ("ProxyJump", Supported),
    ("ProxyCommand", Supported),
    ("ConnectTimeout", Supported),
    ("StrictHostKeyChecking", Supported),
    ("UserKnownHostsFile", Supported),
    ("GlobalKnownHostsFile", Supported),
    ("HostKeyAlias", Supported),
    ("HashKnownHosts", Supported),
    ("ServerAliveInterval", Supported),
    ("ServerAliveCountMax", Supported),
    ("BatchMode", Supported),
    ("PreferredAuthentications", Supported),
    ("PubkeyAuthentication", Supported),
    ("PasswordAuthentication", Supported),
    ("KbdInteractiveAuthentication", Supported),
    ("AddressFamily", Unsupported(ANY)),
    ("BindAddress", Unsupported(ALWAYS)),
    ("BindInterface", Unsupported(ALWAYS)),
    ("CanonicalizeHostname", Unsupported(NO)),
    ("CASignatureAlgorithms", Unsupported(ALWAYS)),
    ("CertificateFile", Unsupported(NONE)),
    ("CheckHostIP", Unsupported(NO)),
    ("Ciphers", Unsupported(ALWAYS)),
    ("ForwardAgent", Unsupported(NO)),
    ("GSSAPIKeyExchange", Unsupported(NO)),
    ("HostbasedAuthentication", Unsupported(NO)),
    ("HostKeyAlgorithms", Unsupported(ALWAYS)),
    ("KexAlgorithms", Unsupported(ALWAYS)),
    ("KnownHostsCommand", Unsupported(NONE)),
    ("MACs", Unsupported(ALWAYS)),
    ("NoHostAuthenticationForLocalhost", Unsupported(NO)),
    ("PKCS11Provider", Unsupported(NONE)),
    ("PubkeyAcceptedAlgorithms", Unsupported(ALWAYS)),
    ("RefuseConnection", Unsupported(ALWAYS)),
    ("RemoteCommand", Unsupported(NONE)),
    ("RequiredRSASize", Unsupported(ALWAYS)),
    ("RevokedHostKeys", Unsupported(NONE)),
    ("SecurityKeyProvider", Unsupported(&["internal", "none"])),
    ("SmartcardDevice", Unsupported(NONE)),
    ("Tag", Unsupported(NONE)),
    ("VerifyHostKeyDNS", Unsupported(NO)),
    // Other names of the same.
    ("PubkeyAcceptedKeyTypes", Unsupported(ALWAYS)),
    ("ChallengeResponseAuthentication", Supported),
    ("SKeyAuthentication", Supported),
    ("TISAuthentication", Supported),
    ("DSAAuthentication", Supported),
    ("GlobalKnownHostsFile2", Ignored),
    ("UserKnownHostsFile2", Ignored),
    ("HostbasedKeyTypes", Ignored),
    ("HostbasedAcceptedAlgorithms", Ignored),
    ("AddKeysToAgent", Ignored),
    ("CanonicalDomains", Ignored),
    ("CanonicalizeFallbackLocal", Ignored),
    ("CanonicalizeMaxDots", Ignored),
    ("CanonicalizePermittedCNAMEs", Ignored),
    ("ChannelTimeout", Ignored),
    ("ClearAllForwardings", Ignored),
    ("Compression", Ignored),
    ("ConnectionAttempts", Ignored),
    ("ControlMaster", Ignored),
    ("ControlPath", Ignored),
    ("ControlPersist", Ignored),
    ("DynamicForward", Ignored),
    ("EnableEscapeCommandline", Ignored),
    ("EnableSSHKeysign", Ignored),
    ("EscapeChar", Ignored),
    ("ExitOnForwardFailure", Ignored),
    ("FingerprintHash", Ignored),
    ("ForkAfterAuthentication", Ignored),
    ("ForwardX11", Ignored),
    ("ForwardX11Timeout", Ignored),
    ("ForwardX11Trusted", Ignored),
    ("GatewayPorts", Ignored),
    ("GSSAPIAuthentication", Ignored),
    ("GSSAPIClientIdentity", Ignored),
    ("GSSAPIDelegateCredentials", Ignored),
    ("GSSAPIKexAlgorithms", Ignored),
    ("GSSAPIRenewalForcesRekey", Ignored),
    ("GSSAPIServerIdentity", Ignored),
    ("GSSAPITrustDns", Ignored),
    ("IPQoS", Ignored),
    ("KbdInteractiveDevices", Ignored),
    ("KeepAlive", Ignored),
    ("LocalCommand", Ignored),
    ("LocalForward", Ignored),
    ("LogLevel", Ignored),
    ("LogVerbose", Ignored),
    ("NumberOfPasswordPrompts", Ignored),
    ("ObscureKeystrokeTiming", Ignored),
    ("PermitLocalCommand", Ignored),
    ("PermitRemoteOpen", Ignored),
    ("ProxyUseFdpass", Ignored),
    ("RekeyLimit", Ignored),
    ("RemoteForward", Ignored),
    ("RequestTTY", Ignored),
    ("SendEnv", Ignored),
    ("SessionType", Ignored),
    ("SetEnv", Ignored),
    ("StdinNull", Ignored),
    ("StreamLocalBindMask", Ignored),
    ("StreamLocalBindUnlink", Ignored),
    ("SyslogFacility", Ignored),
    ("TCPKeepAlive", Ignored),
    ("Tunnel", Ignored),
    ("TunnelDevice", Ignored),
    ("UpdateHostKeys", Ignored),
    ("VersionAddendum", Ignored),
    ("VisualHostKey", Ignored),
    ("WarnWeakCrypto", Ignored),
    ("XAuthLocation", Ignored),
    // Accepted and without effect in today's ssh.
    ("AFSTokenPassing", Ignored),
    ("Cipher", Ignored),
    ("CompressionLevel", Ignored),
    ("FallBackToRsh", Ignored),
    ("KerberosAuthentication", Ignored),
    ("KerberosTgtPassing", Ignored),
    ("Protocol", Ignored),
    ("RhostsAuthentication", Ignored),
    ("RhostsRSAAuthentication", Ignored),
    ("RSAAuthentication", Ignored),
    ("UsePrivilegedPort", Ignored),
    ("UseRoaming", Ignored),
    ("UseRsh", Ignored),
    ("UseBlacklistedKeys", Ignored),
];

/// Further than this, a word is another word and no slip of the finger.
const LARGEST_SLIP: usize = 3;

/// The keyword in its usual case, and what it is to us. Case does not matter.
pub(super) fn find(word: &str) -> Option<(&'static str, Kind)> {
    KEYWORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).copied()
}

/// What was probably meant.
pub(super) fn nearest(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    KEYWORDS
        .iter()
        .map(|(name, _)| (strsim::damerau_levenshtein(&name.to_ascii_lowercase(), &word), *name))
        .filter(|(slips, name)| *slips <= LARGEST_SLIP && *slips < name.len().min(word.len()))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_keyword_stands_twice() {
        let mut names: Vec<_> = KEYWORDS.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn slips_are_recognised() {
        assert_eq!(nearest("Prot"), Some("Port"));
        assert_eq!(nearest("identityfiles"), Some("IdentityFile"));
        assert_eq!(nearest("proxyjmup"), Some("ProxyJump"));
        assert_eq!(nearest("somethingelse"), None);
        assert_eq!(nearest("x"), None);
    }
}
