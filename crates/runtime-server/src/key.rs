//! The key that every request must show.

use hyper::HeaderMap;

use crate::reply::Refusal;

/// The key. It is never shown, not even by `{:?}`.
pub struct ApiKey(Vec<u8>);

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ApiKey(..)")
    }
}

impl ApiKey {
    /// The key `token`; an empty one lets everybody in.
    pub fn new(token: &str) -> Self {
        Self(token.as_bytes().to_vec())
    }

    /// Lets a request in or not.
    ///
    /// # Errors
    /// The key is missing or wrong.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        match headers.get("x-api-key").map(|key| key.as_bytes()) {
            None | Some([]) => Err(Refusal::NotAuthenticated),
            Some(shown) if same(shown, &self.0) => Ok(()),
            Some(_) => Err(Refusal::WrongKey),
        }
    }
}

/// Compares in a time that does not depend on where the two differ, only on the length of what was shown.
fn same(shown: &[u8], wanted: &[u8]) -> bool {
    let mut difference = shown.len() ^ wanted.len();
    for (index, byte) in shown.iter().enumerate() {
        difference |= usize::from(byte ^ wanted[index % wanted.len()]);
    }
    // Kept from the optimiser, which could otherwise stop at the first difference.
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_key_opens() {
        let cases = [
            ("secret", Some("secret"), "ok"),
            ("secret", None, "missing"),
            ("secret", Some(""), "missing"),
            ("secret", Some("Secret"), "wrong"),
            ("secret", Some("secre"), "wrong"),
            ("secret", Some("secretsecret"), "wrong"),
            ("aa", Some("a"), "wrong"),
            ("", None, "ok"),
            ("", Some("anything"), "ok"),
        ];
        for (token, shown, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(shown) = shown {
                headers.insert("x-api-key", shown.parse().unwrap());
            }
            let found = match ApiKey::new(token).check(&headers) {
                Ok(()) => "ok",
                Err(Refusal::NotAuthenticated) => "missing",
                Err(_) => "wrong",
            };
            assert_eq!(found, expected, "{token} {shown:?}");
        }
        assert_eq!(format!("{:?}", ApiKey::new("secret")), "ApiKey(..)");
    }
}
