//! Resolves plain scalars by the core schema of YAML 1.2 (section 10.3.2).

use super::Value;

/// A number that can't be stored without changing it.
pub(super) struct Unholdable(pub &'static str);

/// Returns the value of a plain (unquoted) scalar; `None` if it is text.
pub(super) fn resolve(text: &str) -> Result<Option<Value>, Unholdable> {
    let special = match text.as_bytes().first() {
        None => true,
        Some(first) => {
            matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.' | b'~')
                || matches!(first.to_ascii_lowercase(), b'n' | b't' | b'f')
        }
    };
    if !special {
        return Ok(None);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Ok(Some(Value::Null)),
        "true" | "True" | "TRUE" => Ok(Some(Value::Bool(true))),
        "false" | "False" | "FALSE" => Ok(Some(Value::Bool(false))),
        ".nan" | ".NaN" | ".NAN" => Err(Unholdable("`.nan` is not a usable number")),
        _ => number(text).transpose(),
    }
}

fn number(text: &str) -> Option<Result<Value, Unholdable>> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Some(Err(Unholdable("infinity is not a usable number")));
    }
    let integer = if is_all(digits, |b| b.is_ascii_digit()) {
        Some(text.parse())
    } else if let Some(octal) = text.strip_prefix("0o") {
        is_all(octal, |b| matches!(b, b'0'..=b'7')).then(|| i64::from_str_radix(octal, 8))
    } else if let Some(hex) = text.strip_prefix("0x") {
        is_all(hex, |b| b.is_ascii_hexdigit()).then(|| i64::from_str_radix(hex, 16))
    } else {
        None
    };
    match integer {
        Some(Ok(integer)) => Some(Ok(Value::Integer(integer))),
        Some(Err(_)) => Some(Err(Unholdable("this whole number needs more than 64 bits"))),
        None => is_float(digits).then(|| float(text)),
    }
}

fn float(text: &str) -> Result<Value, Unholdable> {
    match text.parse::<f64>() {
        Ok(float) if float.is_finite() => Ok(Value::Float(float)),
        _ => Err(Unholdable("this number is too large")),
    }
}

/// Matches `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`.
fn is_float(digits: &str) -> bool {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    is_digits(whole)
        && is_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            is_all(exponent, |b| b.is_ascii_digit())
        })
}

/// Returns whether there is at least one byte, and all bytes are of this kind.
fn is_all(text: &str, kind: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(kind)
}
