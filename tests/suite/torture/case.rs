//! A case: what its host presents, what its URLs answer, and what must come out, in words.

use super::world::World;

/// Makes a body.
pub type Make = Box<dyn Fn(&World, &Case) -> Vec<u8> + Send + Sync>;

/// What a URL answers.
pub enum Route {
    /// A body.
    Body(Make),
    /// nginx's directives of the location.
    Nginx(String),
}

/// How the responder's index has the leaf.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Indexed {
    Unknown,
    Good,
    Revoked,
}

/// One case. `{d}` in texts is its host, below which its CA hosts are.
pub struct Case {
    pub name: &'static str,
    /// Hexadecimal; given by the order.
    pub serial: String,
    pub issuer: &'static str,
    /// Distribution points: names, and reasons.
    pub points: Vec<(String, Option<&'static str>)>,
    /// Access descriptions.
    pub access: Vec<String>,
    /// Lines of the extension section.
    pub extensions: String,
    pub names: Option<String>,
    pub days: (i64, i64),
    /// Arguments of `openssl ca`.
    pub arguments: &'static str,
    /// Whose key it is.
    pub request: &'static str,
    pub present: Vec<&'static str>,
    /// What an address of its own presents.
    pub at: Vec<(&'static str, Vec<&'static str>)>,
    /// Contents octets in place of its serial number.
    pub odd_serial: Option<Vec<u8>>,
    pub routes: Vec<(&'static str, &'static str, Route)>,
    pub records: Vec<(&'static str, &'static str)>,
    pub listed: bool,
    pub indexed: Indexed,
    pub staple: Option<Make>,
    /// Its host is another server's.
    pub served_elsewhere: bool,
    pub expected: &'static str,
}

/// A case; the name is a sentence and, with hyphens, its host.
pub fn case(name: &'static str) -> Case {
    Case {
        name,
        serial: String::new(),
        issuer: "issuing",
        points: Vec::new(),
        access: Vec::new(),
        extensions: String::new(),
        names: None,
        days: (-2, 60),
        arguments: "",
        request: "leaf",
        present: vec!["leaf", "issuing"],
        at: Vec::new(),
        odd_serial: None,
        routes: Vec::new(),
        records: Vec::new(),
        listed: false,
        indexed: Indexed::Unknown,
        staple: None,
        served_elsewhere: false,
        expected: "",
    }
}

impl Case {
    /// Its host.
    pub fn host(&self) -> String {
        let letters = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        let label: String = self.name.to_ascii_lowercase().chars().map(letters).collect();
        assert!(label.len() < 64 && !label.ends_with('-'), "no label: {label}");
        format!("{label}.{}", closedpath_lab::torture::ZONE)
    }

    /// A text of it.
    pub fn fill(&self, text: &str) -> String {
        text.replace("{d}", &self.host())
    }

    /// Contents octets of the serial number.
    pub fn serial_octets(&self) -> Vec<u8> {
        match &self.odd_serial {
            Some(octets) => octets.clone(),
            None => u32::from_str_radix(&self.serial, 16).expect("hexadecimal").to_be_bytes().to_vec(),
        }
    }

    /// A distribution point at `http://crl.{d}PATH` that answers so.
    pub fn crl(self, path: &'static str, make: Make) -> Self {
        self.point(&format!("URI:http://crl.{{d}}{path}"), None).serve("crl", path, make)
    }

    /// The same, answered by nginx alone.
    pub fn crl_by(self, path: &'static str, directives: &str) -> Self {
        self.point(&format!("URI:http://crl.{{d}}{path}"), None).nginx("crl", path, directives)
    }

    /// A distribution point that another case or nobody serves.
    pub fn point(mut self, names: &str, reasons: Option<&'static str>) -> Self {
        self.points.push((names.to_owned(), reasons));
        self
    }

    /// A responder at `http://ocsp.{d}` that answers everything so.
    pub fn ocsp(self, make: Make) -> Self {
        self.access("OCSP;URI:http://ocsp.{d}").serve("ocsp", "/", make)
    }

    /// A responder that is `openssl ocsp` on this port.
    pub fn live(self, port: u16) -> Self {
        self.ocsp_by(&format!("proxy_pass http://127.0.0.1:{port};"))
    }

    /// The same, answered by nginx alone.
    pub fn ocsp_by(self, directives: &str) -> Self {
        self.access("OCSP;URI:http://ocsp.{d}").nginx("ocsp", "/", directives)
    }

    /// caIssuers at `http://aia.{d}PATH`.
    pub fn aia(self, path: &'static str, make: Make) -> Self {
        self.access(&format!("caIssuers;URI:http://aia.{{d}}{path}")).serve("aia", path, make)
    }

    /// The same, answered by nginx alone.
    pub fn aia_by(self, path: &'static str, directives: &str) -> Self {
        self.access(&format!("caIssuers;URI:http://aia.{{d}}{path}")).nginx("aia", path, directives)
    }

    pub fn access(mut self, description: &str) -> Self {
        self.access.push(description.to_owned());
        self
    }

    pub fn serve(mut self, label: &'static str, path: &'static str, make: Make) -> Self {
        self.routes.push((label, path, Route::Body(make)));
        self
    }

    pub fn nginx(mut self, label: &'static str, path: &'static str, directives: &str) -> Self {
        self.routes.push((label, path, Route::Nginx(directives.to_owned())));
        self
    }

    /// Where a name of it (empty: its host) leads.
    pub fn record(mut self, label: &'static str, address: &'static str) -> Self {
        self.records.push((label, address));
        self
    }

    pub fn issued_by(mut self, issuer: &'static str) -> Self {
        self.issuer = issuer;
        self.present = vec!["leaf", issuer];
        self
    }

    pub fn presents(mut self, present: &[&'static str]) -> Self {
        self.present = present.to_vec();
        self
    }

    pub fn presents_at(mut self, address: &'static str, present: &[&'static str]) -> Self {
        self.at.push((address, present.to_vec()));
        self.record("", address)
    }

    pub fn valid(mut self, from: i64, to: i64) -> Self {
        self.days = (from, to);
        self
    }

    pub fn named(mut self, names: &str) -> Self {
        self.names = Some(names.to_owned());
        self
    }

    pub fn with(mut self, extension: &str) -> Self {
        self.extensions += extension;
        self.extensions += "\n";
        self
    }

    pub fn arguments(mut self, arguments: &'static str) -> Self {
        self.arguments = arguments;
        self
    }

    pub fn key(mut self, request: &'static str) -> Self {
        self.request = request;
        self
    }

    pub fn odd_serial(mut self, octets: &[u8]) -> Self {
        self.odd_serial = Some(octets.to_vec());
        self
    }

    /// The usual CRL lists it.
    pub fn listed(mut self) -> Self {
        self.listed = true;
        self
    }

    pub fn indexed(mut self, indexed: Indexed) -> Self {
        self.indexed = indexed;
        self
    }

    pub fn staples(mut self, make: Make) -> Self {
        self.staple = Some(make);
        self
    }

    pub fn served_elsewhere(mut self) -> Self {
        self.served_elsewhere = true;
        self
    }

    /// Clauses, parted by `;`; see `judge`.
    pub fn expect(mut self, expected: &'static str) -> Self {
        self.expected = expected;
        self
    }
}

impl Case {
    /// So many distribution points at one host.
    pub fn many_points(mut self, count: usize) -> Self {
        for number in 0..count {
            self = self.point(&format!("URI:http://crl.{{d}}/{number}.crl"), None);
        }
        self
    }

    /// A distribution point whose path is so long.
    pub fn long_point(self, letters: usize) -> Self {
        self.point(&format!("URI:http://crl.{{d}}/{}", "a".repeat(letters)), None)
    }
}
