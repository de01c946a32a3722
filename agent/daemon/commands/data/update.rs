//! `closedpath data update`: newer files from the vendors or from a mirror, put into force when they are whole and newer.

use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow, bail};
use closedpath_core::config::Plan;
use closedpath_core::tables::Tables;
use closedpath_net::nonce;
use url::Url;

use super::{changes, describe, diff, in_force, print};
use crate::cli::DataUpdate;
use crate::commands::{USAGE, runtime};
use crate::data::client::{Client, Download, ForwardProxy};
use crate::data::source::{Asked, Vendors, http_date, latest_version, mirrored, service_tags_in};
use crate::data::{self, Kind, Loaded, Store};
use crate::setup;

/// Fetches, checks, keeps; one data set that fails does not stop the others, but the status tells.
pub fn update(arguments: &DataUpdate) -> Result<ExitCode> {
    let plan = setup::plan(arguments.config.as_deref())?;
    let proxy = arguments.proxy.as_deref().map(|text| proxy(text, &plan)).transpose()?;
    let from = arguments.from.as_deref().map(mirror).transpose()?;
    let kinds = match arguments.only.as_slice() {
        [] => vec![Kind::ServiceTags, Kind::M365],
        only => only.to_vec(),
    };
    let named = from.as_ref().and_then(Url::host_str).map(str::to_owned);
    let tables = setup::tables(&plan)?;
    let one_file = from.as_ref().is_some_and(|from| !from.path().ends_with('/'));
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let job = Job {
            client: Client::new(&plan, proxy, named)?,
            plan: &plan,
            tables: &tables,
            store: Store::of(&plan.agent.state_dir),
            vendors: Vendors::default(),
            dry_run: arguments.dry_run,
        };
        let mut failed = false;
        if let (Some(file), true) = (&from, one_file) {
            failed |= told(job.file(file, None).await, "the file")?;
        } else {
            for kind in kinds {
                let done = match &from {
                    Some(from) => job.mirrored(from, kind).await,
                    None => job.vendor(kind).await,
                };
                failed |= told(done, kind.name())?;
            }
        }
        anyhow::Ok(failed)
    })?;
    Ok(if outcome { ExitCode::from(USAGE) } else { ExitCode::SUCCESS })
}

/// Prints how one went; whether it failed.
fn told(done: Result<String>, what: &str) -> Result<bool> {
    match done {
        Ok(text) => print(&format!("{what}: {text}\n")).map(|()| false),
        Err(error) => print(&format!("{what}: FAILED, nothing was changed: {error:#}\n")).map(|()| true),
    }
}

struct Job<'a> {
    client: Client<'a>,
    plan: &'a Plan,
    tables: &'a Tables,
    store: Store,
    vendors: Vendors,
    dry_run: bool,
}

impl Job<'_> {
    async fn mirrored(&self, from: &Url, kind: Kind) -> Result<String> {
        let url = mirrored(from, kind).ok_or_else(|| anyhow!("{from} is not a folder"))?;
        self.file(&url, Some(kind)).await
    }

    async fn file(&self, url: &Url, kind: Option<Kind>) -> Result<String> {
        let came = self.client.get(url).await?;
        let (line, new) = self.take(kind, &file_name(&came.url), &came)?;
        Ok(line + &self.compared(new).map(|told| format!("\n{told}")).unwrap_or_default())
    }

    async fn vendor(&self, kind: Kind) -> Result<String> {
        match kind {
            Kind::ServiceTags => self.service_tags().await,
            Kind::M365 => self.m365().await,
            Kind::Asn => self.file(&Url::parse(&self.vendors.asn)?, Some(kind)).await,
            Kind::Communities => {
                bail!(
                    "it comes from your subscription: run Get-AzBgpServiceCommunity | ConvertTo-Json -Depth 5, then `data import`"
                )
            }
            Kind::PublicSpace => {
                bail!("its page names no file that could be known; fetch it and `data import` it")
            }
        }
    }

    async fn service_tags(&self) -> Result<String> {
        let page = self.client.get(&Url::parse(&self.vendors.service_tags)?).await?;
        let url =
            service_tags_in(&String::from_utf8_lossy(&page.body), page.url.scheme()).ok_or_else(|| {
                anyhow!(
                    "{} names no file ServiceTags_Public_DATE.json; carry it in and `data import` it",
                    page.url
                )
            })?;
        let name = file_name(&url);
        let source = self.tables.service_tags.as_ref().map(|table| table.data_set.source.as_str());
        if source.is_some_and(|source| source.trim_start_matches("embedded: ") == name) {
            return Ok(format!("up to date ({name})"));
        }
        self.file(&url, Some(Kind::ServiceTags)).await
    }

    async fn m365(&self) -> Result<String> {
        let mut asked = self.store.asked().unwrap_or_else(|| Asked::never(nonce()));
        if let Some(wait) = asked.wait(SystemTime::now()) {
            let minutes = wait.as_secs().div_ceil(60);
            return Ok(format!(
                "not asked: the web service wants one question an hour; again in {minutes} min"
            ));
        }
        let base = Url::parse(&self.vendors.m365)?;
        let url = |path: &str| -> Result<Url> {
            let mut url = base.join(path)?;
            url.query_pairs_mut().append_pair("clientrequestid", &asked.client);
            Ok(url)
        };
        let (version_url, list_url) = (url("version/Worldwide")?, url("endpoints/Worldwide")?);
        let answer = self.client.get(&version_url).await?;
        let version = latest_version(&answer.body).map_err(|why| anyhow!("{}: {why}", answer.url.path()))?;
        let known = self.tables.m365.as_ref().map(|table| table.data_set.version.as_str());
        let done = if known == Some(version.as_str()) {
            format!("up to date (version {version})")
        } else {
            let came = self.client.get(&list_url).await?;
            let name = format!("endpoints_Worldwide_{version}.json");
            let (line, new) = self.take(Some(Kind::M365), &name, &came)?;
            let told = match (&new, self.tables.m365.as_ref().and_then(changes::path)) {
                (Some(_), Some(path)) => self.client.get(&url(&path)?).await.ok(),
                _ => None,
            };
            // Nothing rests on the service's words: without them, the tables are compared.
            let told = told.zip(self.tables.m365.as_ref());
            let told = told.and_then(|(answer, known)| changes::told(&answer.body, known));
            line + &told.or_else(|| self.compared(new)).map(|told| format!("\n{told}")).unwrap_or_default()
        };
        // Only now: whoever failed may try again.
        asked.at = SystemTime::now();
        if !self.dry_run {
            self.store.keep_asked(&asked).with_context(|| "cannot remember when the service was asked")?;
        }
        Ok(done)
    }

    /// What new Microsoft 365 endpoints change; other kinds change every week, and `data diff` compares them.
    fn compared(&self, new: Option<Loaded>) -> Option<String> {
        match (&self.tables.m365, new?) {
            (Some(old), Loaded::M365(new)) if old.data_set.version != new.data_set.version => {
                Some(format!("changes since {}: {}", old.data_set.version, diff::sets(old, &new).trim_end()))
            }
            _ => None,
        }
    }

    /// Reads what came as a table; keeps it if it is whole, dated, and not older than what is in force. The table, if so.
    fn take(&self, kind: Option<Kind>, name: &str, came: &Download) -> Result<(String, Option<Loaded>)> {
        let modified = came.last_modified.as_deref().and_then(http_date);
        let loaded = match kind {
            Some(kind) => data::load(kind, name, &came.body, modified)?,
            None => data::detect(name, &came.body, modified)?,
        };
        let kind = loaded.kind();
        let Some(date) = loaded.data_set().date else {
            bail!("nothing tells how old {name} is: it needs a date in its name, or a Last-Modified header");
        };
        let present = kind.of(self.tables);
        if present.and_then(|set| set.date).is_some_and(|present| date < present) {
            return Ok((format!("not taken: what is in force is newer than {}", describe(&loaded)), None));
        }
        if self.dry_run {
            return Ok((format!("{} (--dry-run: nothing was changed)", describe(&loaded)), Some(loaded)));
        }
        self.store
            .keep(kind, name, came.url.as_str(), modified, SystemTime::now(), &came.body)
            .with_context(|| format!("cannot write {}", self.store.path(kind).display()))?;
        let state = in_force(self.plan, kind, loaded.data_set())?;
        Ok((format!("{}; {}", describe(&loaded), state.trim_end()), Some(loaded)))
    }
}

/// The last part of the path.
fn file_name(url: &Url) -> String {
    url.path().rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("file").to_owned()
}

fn mirror(text: &str) -> Result<Url> {
    let url = Url::parse(text).with_context(|| format!("--from {text}"))?;
    anyhow::ensure!(
        matches!(url.scheme(), "http" | "https"),
        "--from {text}: only http and https are understood"
    );
    anyhow::ensure!(
        url.username().is_empty() && url.password().is_none(),
        "--from: user and password in the URL are not supported"
    );
    Ok(url)
}

/// A URL, or the name of a `[[proxy]]`.
fn proxy(text: &str, plan: &Plan) -> Result<ForwardProxy> {
    if let Some(named) = plan.proxies.iter().find(|proxy| proxy.name == text) {
        let (host, port, credentials) = (named.host.clone(), named.port, named.credentials.clone());
        return Ok(ForwardProxy { host, port, tls: named.tls, credentials });
    }
    // What is wrong is not repeated: there may be a password in it.
    let wrong = "--proxy is neither the name of a [[proxy]] nor a URL like http://user:password@host:3128";
    let url = Url::parse(text).map_err(|_| anyhow!(wrong))?;
    let tls = url.scheme() == "https";
    let (Some(host), "http" | "https", Some(port)) =
        (url.host_str(), url.scheme(), url.port_or_known_default())
    else {
        bail!(wrong);
    };
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let credentials = (!url.username().is_empty())
        .then(|| (plain(url.username()), plain(url.password().unwrap_or_default())));
    Ok(ForwardProxy { host: host.to_owned(), port, tls, credentials })
}

#[cfg(test)]
mod tests;
