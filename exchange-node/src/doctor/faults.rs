//! Faults of credentials, CRLs, bundles and connections: finer than the catalogue of reasons, for operators alone. The
//! names are those in log lines, metrics, `[…]` of the command line, and `doctor`.

/// A fault, what it means and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Stable name.
    pub name: &'static str,
    /// What it means.
    pub en: &'static str,
    /// What it means.
    pub zh: &'static str,
    /// What to do.
    pub cure_en: &'static str,
    /// What to do.
    pub cure_zh: &'static str,
}

/// All of them.
pub const FAULTS: [Fault; 43] = [
    Fault {
        name: "MALFORMED",
        en: "it is not DER of the expected kind, or holds what this product does not allow",
        zh: "格式不符合要求",
        cure_en: "have it issued by ca-tools",
        cure_zh: "请用ca-tools重新签发",
    },
    Fault {
        name: "TOO_LARGE",
        en: "it is larger than is read at all",
        zh: "超过可读取的大小",
        cure_en: "have it issued by ca-tools",
        cure_zh: "请用ca-tools重新签发",
    },
    Fault {
        name: "URI_COUNT",
        en: "the credential has not exactly one SPIFFE id",
        zh: "凭证中的身份标识不唯一",
        cure_en: "have it issued by ca-tools",
        cure_zh: "请用ca-tools重新签发",
    },
    Fault {
        name: "IDENTITY_MALFORMED",
        en: "its URI is no identity of the exchange",
        zh: "凭证中的身份标识格式有误",
        cure_en: "have it issued by ca-tools",
        cure_zh: "请用ca-tools重新签发",
    },
    Fault {
        name: "FOREIGN_DOMAIN",
        en: "it is of another trust domain",
        zh: "凭证属于其他信任域",
        cure_en: "use a credential of this province",
        cure_zh: "请使用本省的凭证",
    },
    Fault {
        name: "WRONG_KIND",
        en: "it is of another kind: a system's, an operator's, a department's",
        zh: "凭证类别不符",
        cure_en: "use a credential of the kind that is named",
        cure_zh: "请使用所要求类别的凭证",
    },
    Fault {
        name: "PURPOSE_MISSING",
        en: "its extended key usage does not name the purpose",
        zh: "凭证的扩展密钥用途不符",
        cure_en: "have it issued by ca-tools with the right --profile",
        cure_zh: "请用ca-tools按正确的--profile重新签发",
    },
    Fault {
        name: "KEY_USAGE_MISSING",
        en: "its key usage lacks a bit",
        zh: "凭证的密钥用途不符",
        cure_en: "have it issued by ca-tools",
        cure_zh: "请用ca-tools重新签发",
    },
    Fault {
        name: "EXPIRED",
        en: "it is past its end",
        zh: "凭证已过期",
        cure_en: "have the CA issue the next one, install it, SIGHUP; a day or less: compare clocks",
        cure_zh: "请由CA签发新凭证，安装并SIGHUP；相差不足一天请先核对时钟",
    },
    Fault {
        name: "NOT_YET_VALID",
        en: "it has not begun",
        zh: "凭证尚未生效",
        cure_en: "compare this machine's clock with that of the CA",
        cure_zh: "请核对本机与CA的时钟",
    },
    Fault {
        name: "UNKNOWN_ISSUER",
        en: "no chain leads from its issuer to a pinned root",
        zh: "颁发者无法追溯到受信根",
        cure_en: "is the CA's certificate beside it in the file, and the root the right one?",
        cure_zh: "请确认文件中附有CA证书，且根证书正确",
    },
    Fault {
        name: "NOT_SIGNED_BY_ISSUER",
        en: "the CA of that name did not sign it",
        zh: "签名不是所称颁发者的",
        cure_en: "compare the fingerprints of root and CA with those of the ceremony",
        cure_zh: "请与仪式记录核对根和CA的指纹",
    },
    Fault {
        name: "CA_FLAG",
        en: "a CA's certificate stands where a credential must, or the other way round",
        zh: "CA证书与凭证混用",
        cure_en: "use the file that ca-tools issue wrote",
        cure_zh: "请使用ca-tools issue生成的文件",
    },
    Fault {
        name: "PATH_TOO_LONG",
        en: "more CAs stand in the chain than one of them allows",
        zh: "证书链过长",
        cure_en: "leave root, city CA and credential alone in it",
        cure_zh: "链中只应有根、市级CA和凭证",
    },
    Fault {
        name: "NAME_CONSTRAINT",
        en: "it names a host that its CA may not name",
        zh: "主机名超出CA的名称约束",
        cure_en: "have its own city's CA issue it",
        cure_zh: "请由本市CA签发",
    },
    Fault {
        name: "PATH",
        en: "the chain is refused",
        zh: "证书链不被接受",
        cure_en: "the text says why; have it issued by ca-tools",
        cure_zh: "按提示用ca-tools重新签发",
    },
    Fault {
        name: "CA_NOT_BOUND",
        en: "its CA may not speak for that region by the trust bundle",
        zh: "该CA未在信任包中绑定到此地区",
        cure_en: "have its own city's CA issue it, or the province bind the CA",
        cure_zh: "请由本市CA签发，或由省级绑定该CA",
    },
    Fault {
        name: "DEPARTMENT_NOT_OF_REGION",
        en: "the department's code is of another division than its region, and the bundle lists no exception",
        zh: "部门代码不属于该地区，且信任包未列例外",
        cure_en: "have the department's own region name it, or the province list it under [[body]]",
        cure_zh: "请由所属地区签发，或由省级在[[body]]中列明",
    },
    Fault {
        name: "TRUST_NOT_BY_ROOT",
        en: "a CA stands between the trust credential and the root",
        zh: "信任凭证不是由根直接签发",
        cure_en: "have the root issue the trust credential",
        cure_zh: "请由根签发信任凭证",
    },
    Fault {
        name: "CUT",
        en: "the trust bundle cuts it off",
        zh: "凭证已被信任包剔除",
        cure_en: "ask the province why; a new credential for a new key",
        cure_zh: "请向省级查询原因；须以新密钥申请新凭证",
    },
    Fault {
        name: "CRL_MISSING",
        en: "no CRL of its CA is at hand",
        zh: "缺少该CA的撤销列表",
        cure_en: "install the CRL of the root and of every city's CA, SIGHUP",
        cure_zh: "请安装根和各市CA的撤销列表并SIGHUP",
    },
    Fault {
        name: "CRL_EXPIRED",
        en: "the CRL of its CA is past its next update and the grace",
        zh: "该CA的撤销列表已过期",
        cure_en: "fetch the CA's newest CRL, install it, SIGHUP; the CA signs one by ca-tools crl issue",
        cure_zh: "请取得该CA最新撤销列表，安装并SIGHUP；CA用ca-tools crl issue签发",
    },
    Fault {
        name: "CRL_ROLLED_BACK",
        en: "an older CRL than the one at hand was offered",
        zh: "撤销列表版本回退",
        cure_en: "install the newest one; if its CA has no newer one, ask how it lost it",
        cure_zh: "请安装最新列表；若CA没有更新的，请查明原因",
    },
    Fault {
        name: "CRL_NUMBER_REUSED",
        en: "its CA signed two CRLs with one number",
        zh: "同一编号的撤销列表有两份",
        cure_en: "the CA signs the next number by ca-tools crl issue",
        cure_zh: "请由CA用ca-tools crl issue签发下一编号",
    },
    Fault {
        name: "CRL_NOT_SIGNED_BY_ISSUER",
        en: "the CA that the CRL names did not sign it",
        zh: "撤销列表签名不符",
        cure_en: "fetch the CRL from the CA again",
        cure_zh: "请向CA重新获取撤销列表",
    },
    Fault {
        name: "REVOKED",
        en: "its CA withdrew it",
        zh: "凭证已被撤销",
        cure_en: "a new credential for a new key, if the reason allows it",
        cure_zh: "如原因允许，请以新密钥申请新凭证",
    },
    Fault {
        name: "NO_ROOTS",
        en: "no root is pinned",
        zh: "未配置受信根",
        cure_en: "name the province's root in trust.roots",
        cure_zh: "请在trust.roots中配置省级根",
    },
    Fault {
        name: "BUNDLE_SIGNER",
        en: "the signer's credential does not lead to a pinned root",
        zh: "信任包签署者不可信",
        cure_en: "compare the pinned root with that of the ceremony",
        cure_zh: "请与仪式记录核对受信根",
    },
    Fault {
        name: "BUNDLE_SIGNATURE",
        en: "the signature is not by the credential beside it",
        zh: "信任包签名不符",
        cure_en: "get it from the province again",
        cure_zh: "请向省级重新获取",
    },
    Fault {
        name: "BUNDLE_FROM_THE_FUTURE",
        en: "the bundle was issued later than it is here",
        zh: "信任包签发时间晚于本机时间",
        cure_en: "set this machine's clock",
        cure_zh: "请校正本机时钟",
    },
    Fault {
        name: "NO_CREDENTIAL",
        en: "no credential was shown",
        zh: "未出示凭证",
        cure_en: "the caller has to be configured with its credential and key",
        cure_zh: "呼叫方须配置凭证和密钥",
    },
    Fault {
        name: "WRONG_REGION",
        en: "the node is of another region than the one that was called",
        zh: "对方节点不属于所呼叫的地区",
        cure_en: "compare the address in the trust bundle with where the node runs",
        cure_zh: "请核对信任包中的地址与节点所在",
    },
    Fault {
        name: "WRONG_NAME",
        en: "the node's credential has another name than the bundle says",
        zh: "节点名称与信任包不符",
        cure_en: "compare node.name, its credential and the trust bundle",
        cure_zh: "请核对node.name、凭证与信任包",
    },
    Fault {
        name: "ANOTHER_S_CREDENTIAL",
        en: "it is the credential of somebody else than the configuration says",
        zh: "凭证属于其他主体",
        cure_en: "compare node.region and node.name with the credential",
        cure_zh: "请核对node.region、node.name与凭证",
    },
    Fault {
        name: "REFUSED_BY_PEER",
        en: "the other node refused this one's credential, and its reason is known there alone",
        zh: "对方节点拒绝了本节点的凭证",
        cure_en: "ask its operator for doctor: node.refusals has this serial and the fault",
        cure_zh: "请对方运维运行doctor：node.refusals中有该序列号和原因",
    },
    Fault {
        name: "REFUSED_BY_CALLER",
        en: "the caller did not believe this node",
        zh: "呼叫方不信任本节点",
        cure_en: "the caller's roots, CRLs and bundle name the fault",
        cure_zh: "由呼叫方的根、撤销列表和信任包查明原因",
    },
    Fault {
        name: "HANDSHAKE_TIMEOUT",
        en: "the handshake was not finished in time",
        zh: "握手超时",
        cure_en: "look at the network between, and at the caller's load",
        cure_zh: "请检查网络和呼叫方负载",
    },
    Fault {
        name: "CROWDED_OUT",
        en: "all places for handshakes were taken",
        zh: "握手名额已满",
        cure_en: "see who connects so often: limits.handshakes_per_address",
        cure_zh: "查明频繁连接者：limits.handshakes_per_address",
    },
    Fault {
        name: "CONNECTION_LOST",
        en: "the connection ended during the handshake",
        zh: "握手中连接中断",
        cure_en: "a port scan or a health probe does that; else look at the network between",
        cure_zh: "端口扫描或探活会如此；否则请检查网络",
    },
    Fault {
        name: "TLS",
        en: "TLS failed",
        zh: "TLS失败",
        cure_en: "is a node of this release there, and no proxy between?",
        cure_zh: "请确认对方是本系统节点且中间无代理",
    },
    Fault {
        name: "NAME_UNKNOWN",
        en: "the name leads to no address",
        zh: "域名无法解析",
        cure_en: "correct the address in the trust bundle, or this machine's DNS",
        cure_zh: "请更正信任包中的地址或本机DNS",
    },
    Fault {
        name: "NOT_REACHED",
        en: "the address takes no connection",
        zh: "地址无法连接",
        cure_en: "is the node up there? open the way in both firewalls",
        cure_zh: "请确认对方节点在运行，并放通双方防火墙",
    },
    Fault {
        name: "CLOCKS_DIFFER",
        en: "two clocks are more than five minutes apart",
        zh: "两机时钟相差超过五分钟",
        cure_en: "compare both machines' clocks with NTP; mend the wrong one",
        cure_zh: "请用NTP核对两机时钟并校正",
    },
];

/// What to do about a fault or a reason of the catalogue; `None` for a name that this release does not know.
pub fn cure(name: &str) -> Option<&'static str> {
    let fault = FAULTS.iter().find(|fault| fault.name == name).map(|fault| fault.cure_en);
    fault.or_else(|| exchange_core::reason::Reason::from_code(name).map(|reason| reason.info().cure_en))
}
