//! Zip archives as cases describe them, the malicious ones included, and the form that carries an upload.

use serde_json::Value;

use super::text::{self, Names};

const BOUNDARY: &str = "----smallhands-faults-boundary";

/// The `multipart/form-data` body of an upload step, and its content type.
pub fn form(step: &Value, names: &Names) -> (String, Vec<u8>) {
    let order = step["order"].as_array().map_or_else(
        || vec!["file".to_owned(), "target_path".to_owned(), "unzip".to_owned()],
        |order| order.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    );
    let mut body = Vec::new();
    for field in order {
        let Some((head, content)) = part(&field, step, names) else { continue };
        body.extend_from_slice(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(&content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

fn part(field: &str, step: &Value, names: &Names) -> Option<(String, Vec<u8>)> {
    let head = format!("name=\"{field}\"");
    match field {
        "file" => {
            let content = match (&step["zip"], &step["content"]) {
                (Value::Array(entries), _) => zip(entries, step["cut"].as_u64().unwrap_or(0) as usize, names),
                (_, Value::Null) => return None,
                (_, content) => text::bytes(content, names),
            };
            Some((format!("{head}; filename=\"f\"\r\nContent-Type: application/octet-stream"), content))
        }
        "unzip" => {
            let said = step["unzip"].as_bool().map(|yes| yes.to_string());
            Some((head, said.or(step["unzip"].as_str().map(str::to_owned))?.into_bytes()))
        }
        _ => Some((head, text::expand(&step[field], names).as_str()?.as_bytes().to_vec())),
    }
}

/// An archive of `entries` without its last `cut` bytes.
fn zip(entries: &[Value], cut: usize, names: &Names) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    let mut shared: Option<(usize, Entry)> = None;
    for described in entries {
        let name = text::text(&described["name"], names);
        let (offset, entry) = match &shared {
            Some(first) if described["shared"] == true => first.clone(),
            _ => {
                let entry = Entry::described(described, names);
                let offset = archive.len();
                archive.extend(entry.local_header(&name));
                archive.extend(&entry.data);
                (offset, entry)
            }
        };
        directory.extend(entry.directory_header(&name, offset));
        if described["shared"] == true {
            shared = Some((offset, entry));
        }
    }
    let (count, start) = (entries.len() as u16, archive.len() as u32);
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    archive.extend([(directory.len() as u32).to_le_bytes(), start.to_le_bytes()].concat());
    archive.extend([0, 0]);
    archive.truncate(archive.len() - cut);
    archive
}

#[derive(Clone)]
struct Entry {
    deflated: bool,
    crc: u32,
    size: u32,
    data: Vec<u8>,
    attributes: u32,
}

impl Entry {
    fn described(entry: &Value, names: &Names) -> Self {
        let zeros = entry["zeros"].as_u64().map(|count| count as usize);
        let content = match (&entry["text"], &entry["link"]) {
            (Value::String(_), _) => text::bytes(&entry["text"], names),
            (_, Value::String(_)) => text::bytes(&entry["link"], names),
            _ => Vec::new(),
        };
        let length = zeros.unwrap_or(content.len());
        Self {
            deflated: zeros.is_some(),
            crc: entry["crc"]
                .as_u64()
                .map_or_else(|| zeros.map_or_else(|| crc(&content), crc_of_zeros), |crc| crc as u32),
            size: entry["claim"].as_u64().unwrap_or(length as u64) as u32,
            data: zeros.map_or(content, deflated_zeros),
            attributes: attributes(entry),
        }
    }

    /// The fields that both headers have: version, flags (names are UTF-8), method, date, sizes, length of the name.
    fn fields(&self, name: &str) -> Vec<u8> {
        let method: u16 = if self.deflated { 8 } else { 0 };
        let mut fields = [20u16.to_le_bytes(), 0x800u16.to_le_bytes(), method.to_le_bytes()].concat();
        fields.extend([0u16.to_le_bytes(), 0x5821u16.to_le_bytes()].concat());
        fields.extend([self.crc, self.data.len() as u32, self.size].map(u32::to_le_bytes).concat());
        fields.extend([(name.len() as u16).to_le_bytes(), [0, 0]].concat());
        fields
    }

    fn local_header(&self, name: &str) -> Vec<u8> {
        [&b"PK\x03\x04"[..], &self.fields(name), name.as_bytes()].concat()
    }

    fn directory_header(&self, name: &str, offset: usize) -> Vec<u8> {
        let made_on_unix = [20, 3];
        let rest = [&[0; 6][..], &self.attributes.to_le_bytes(), &(offset as u32).to_le_bytes()].concat();
        [&b"PK\x01\x02"[..], &made_on_unix, &self.fields(name), &rest, name.as_bytes()].concat()
    }
}

/// Type and permission bits of a Unix file, in the upper half.
fn attributes(entry: &Value) -> u32 {
    let mode = entry["mode"].as_str().map(|digits| u32::from_str_radix(digits, 8).expect("octal digits"));
    if entry["link"].is_string() {
        0o120_777 << 16
    } else if entry["name"].as_str().is_some_and(|name| name.ends_with('/')) {
        (0o40_000 | mode.unwrap_or(0o755)) << 16 | 0x10
    } else {
        (0o100_000 | mode.unwrap_or(0o644)) << 16
    }
}

/// A deflate stream of `count` zeros with the fixed codes: one literal, then copies of 258 bytes (RFC 1951, 3.2.6).
fn deflated_zeros(count: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0b1, 1);
    bits.push(0b01, 2);
    let copies = count.saturating_sub(1) / 258;
    for _ in 0..count - copies * 258 {
        bits.push_code(0b0011_0000, 8);
    }
    for _ in 0..copies {
        bits.push_code(0b1100_0101, 8);
        bits.push_code(0, 5);
    }
    bits.push_code(0, 7);
    bits.finish()
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    current: u32,
    filled: u32,
}

impl Bits {
    /// Plain values go in with their lowest bit first.
    fn push(&mut self, value: u32, width: u32) {
        self.current |= value << self.filled;
        self.filled += width;
        while self.filled >= 8 {
            self.bytes.push(self.current as u8);
            self.current >>= 8;
            self.filled -= 8;
        }
    }

    /// Codes go in with their highest bit first.
    fn push_code(&mut self, code: u32, width: u32) {
        self.push(code.reverse_bits() >> (32 - width), width);
    }

    fn finish(mut self) -> Vec<u8> {
        self.push(0, 7);
        self.bytes
    }
}

/// CRC-32 as zip has it.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| shifted(crc ^ u32::from(byte)))
}

fn shifted(crc: u32) -> u32 {
    (0..8).fold(crc, |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
}

/// CRC-32 of `count` zeros in logarithmic time: feeding a zero is linear, so it is a matrix to be raised to a power.
fn crc_of_zeros(count: usize) -> u32 {
    let apply = |matrix: &[u32; 32], crc: u32| {
        (0..32).filter(|bit| crc >> bit & 1 == 1).fold(0, |sum, bit| sum ^ matrix[bit])
    };
    let mut power: [u32; 32] = std::array::from_fn(|bit| shifted(1 << bit));
    let (mut crc, mut left) = (!0, count);
    while left > 0 {
        if left & 1 == 1 {
            crc = apply(&power, crc);
        }
        power = std::array::from_fn(|bit| apply(&power, power[bit]));
        left >>= 1;
    }
    !crc
}
