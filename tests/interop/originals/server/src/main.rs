//! The `main` of the original `ptth_server` 2.1.0, without its command line: one argument, the
//! configuration file. Page templates come from the working directory, as there.

use std::path::PathBuf;

#[derive(serde::Deserialize)]
struct Config {
    name: String,
    api_key: String,
    relay_url: String,
    file_server_root: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt::init();

    let path = std::env::args_os().nth(1).map(PathBuf::from);
    let path = path.ok_or_else(|| anyhow::anyhow!("Usage: ptth_server CONFIG"))?;
    let config: Config = ptth_server::load_toml::load(&path)?;
    let mut file = ptth_server::ConfigFile::new(config.name, config.api_key, config.relay_url);
    file.file_server_root = config.file_server_root;

    let shutdown = ptth_core::graceful_shutdown::init();
    ptth_server::run_server(file, shutdown, Some(path), None).await?;
    Ok(())
}
