//! `net.cidr_contains` and `net.cidr_is_valid`: blocks of addresses, as Go reads them. An IPv4 address
//! that is written as an IPv6 one (`::ffff:10.0.0.1`) is an IPv4 address.

use ::core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Context;

/// Returns whether a block contains an address or all of another block.
pub(super) fn contains(block: &str, inner: &str) -> anyhow::Result<bool> {
    let not_a_block = || format!("`{block}` is not a block of addresses such as \"10.0.0.0/8\"");
    let [first, last] = read(block).with_context(not_a_block)?;
    let (first, last) = match first.to_canonical() {
        IpAddr::V4(_) => (first.to_canonical(), last.to_canonical()),
        IpAddr::V6(_) => (first, last),
    };
    let inner = match inner.parse() {
        Ok(address) => vec![address],
        Err(_) => {
            let neither = || format!("`{inner}` is neither an address nor a block of them");
            read(inner).with_context(neither)?.to_vec()
        }
    };
    let mut inner = inner.into_iter().map(|address: IpAddr| address.to_canonical());
    Ok(inner
        .all(|address| address.is_ipv4() == first.is_ipv4() && (first..=last).contains(&address)))
}

/// Returns whether a text is a block of addresses.
pub(super) fn is_block(text: &str) -> bool {
    read(text).is_some()
}

/// Returns the first and the last address of a block.
fn read(text: &str) -> Option<[IpAddr; 2]> {
    let (address, length) = text.split_once('/')?;
    let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let length = length.parse::<u32>().ok().filter(|_| is_number)?;
    Some(match address.parse().ok()? {
        IpAddr::V4(address) => {
            let within = u32::MAX.checked_shr(length).or((length == 32).then_some(0))?;
            let bits = address.to_bits();
            [bits & !within, bits | within].map(|bits| IpAddr::from(Ipv4Addr::from_bits(bits)))
        }
        IpAddr::V6(address) => {
            let within = u128::MAX.checked_shr(length).or((length == 128).then_some(0))?;
            let bits = address.to_bits();
            [bits & !within, bits | within].map(|bits| IpAddr::from(Ipv6Addr::from_bits(bits)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the sources of OPA 1.20 and of Go's `net`.
    #[test]
    fn a_block_contains_what_it_contains_in_opa() {
        for (block, inner, wanted) in [
            ("10.0.0.0/8", "10.10.10.10", Some(true)),
            ("10.0.0.0/8", "11.0.0.1", Some(false)),
            ("10.1.2.3/8", "10.0.0.0", Some(true)),
            ("10.0.0.0/8", "10.10.10.0/24", Some(true)),
            ("10.10.10.0/24", "10.0.0.0/8", Some(false)),
            ("10.0.0.0/8", "10.0.0.0/8", Some(true)),
            ("10.0.0.0/08", "10.0.0.1", Some(true)),
            ("0.0.0.0/0", "255.255.255.255", Some(true)),
            ("0.0.0.0/0", "0.0.0.0/0", Some(true)),
            ("10.0.0.1/32", "10.0.0.1", Some(true)),
            ("10.0.0.1/32", "10.0.0.1/32", Some(true)),
            ("10.0.0.1/32", "10.0.0.2", Some(false)),
            ("fd00::/16", "fd00::/17", Some(true)),
            ("fd00::/16", "fd00::/15", Some(false)),
            ("::1/128", "::1", Some(true)),
            ("::/0", "ffff::", Some(true)),
            // IPv4 as IPv6 is IPv4, also where a block only reaches into it.
            ("::/0", "10.0.0.1", Some(false)),
            ("::/0", "::ffff:10.0.0.1", Some(false)),
            ("10.0.0.0/8", "::ffff:10.0.0.1", Some(true)),
            ("::ffff:10.0.0.0/104", "10.0.0.1", Some(true)),
            ("10.0.0.0/8", "::ffff:10.0.0.0/120", Some(true)),
            ("::/0", "::fffe:0:0/95", Some(false)),
            ("::fffe:0:0/95", "::fffe:0:1", Some(true)),
            ("::fffe:0:0/95", "::ffff:0:1", Some(false)),
            ("10.0.0.0/33", "10.0.0.1", None),
            ("::/129", "::1", None),
            ("10.0.0.0/", "10.0.0.1", None),
            ("10.0.0.0/+8", "10.0.0.1", None),
            ("10.0.0.0/-1", "10.0.0.1", None),
            ("10.0.0.0/8 ", "10.0.0.1", None),
            ("10.0.0.0", "10.0.0.1", None),
            ("10.0.0/8", "10.0.0.1", None),
            ("010.0.0.0/8", "10.0.0.1", None),
            ("fe80::1%eth0/64", "fe80::1", None),
            ("10.0.0.0/8", "fe80::1%eth0", None),
            ("10.0.0.0/8", "10.0.0.01", None),
            ("10.0.0.0/8", "host", None),
            ("10.0.0.0/8", "", None),
        ] {
            assert_eq!(contains(block, inner).ok(), wanted, "{block} {inner}");
        }
        assert!(is_block("10.0.0.0/8") && !is_block("10.0.0.1"));
    }
}
