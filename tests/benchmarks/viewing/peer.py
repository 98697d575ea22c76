"""The peer: OHIF as its makers built it, served beside us from the same archive.

It is fetched from the npm registry when the benchmark runs and is no part of this
repository. It gets what its documentation asks for: nginx with gzip, the archive's
DICOMweb under the same origin, connections kept open.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

PACKAGE = "@ohif/app"
VERSION = "3.13.2"
FOLDER = Path("var/peer")

APP_CONFIG = """window.config = {
  name: 'peer', routerBasename: null, extensions: [], modes: [],
  customizationService: {}, showStudyList: true, maxNumberOfWebWorkers: 2,
  showWarningMessageForCrossOrigin: false, showCPUFallbackMessage: false,
  showLoadingIndicator: true, strictZSpacingForVolumeViewport: true,
  maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
  investigationalUseDialog: { option: 'never' },
  defaultDataSourceName: 'orthanc',
  dataSources: [{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
    sourceName: 'orthanc',
    configuration: {
      friendlyName: 'Orthanc', name: 'orthanc', wadoUriRoot: '/wado',
      qidoRoot: '/dicom-web', wadoRoot: '/dicom-web',
      qidoSupportsIncludeField: false, imageRendering: 'wadors',
      thumbnailRendering: 'wadors', enableStudyLazyLoad: true,
      supportsFuzzyMatching: false, supportsWildcard: true,
      dicomUploadEnabled: false, bulkDataURI: { enabled: true },
    },
  }],
};
"""

NGINX = """daemon off;
worker_processes 2;
user root;
pid @HERE@/nginx.pid;
error_log @HERE@/error.log crit;
events { worker_connections 512; }
http {
  include /etc/nginx/mime.types;
  sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_timeout 65;
  gzip on; gzip_min_length 1024;
  gzip_types text/css application/javascript text/javascript application/json
    application/wasm application/dicom+json;
  client_body_temp_path @HERE@/body; proxy_temp_path @HERE@/proxy;
  fastcgi_temp_path @HERE@/fcgi; uwsgi_temp_path @HERE@/uwsgi;
  scgi_temp_path @HERE@/scgi;
  log_format plain '$request_uri $status $body_bytes_sent';
  access_log @HERE@/access.log plain;
  upstream archive { server @ARCHIVE@; keepalive 32; }
  server {
    listen 127.0.0.1:@PORT@;
    root @DIST@;
    location / { try_files $uri /index.html; }
    location /dicom-web/ {
      proxy_pass http://archive;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header Authorization "Basic @LOGIN@";
      proxy_buffers 64 64k; proxy_buffer_size 64k;
    }
  }
}
"""


def _fetch() -> Path:
    """Return the folder of the built application, fetched if it is not here."""
    dist = FOLDER / "package" / "dist"
    if not (FOLDER / "complete").exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm") or "frontend/node_modules/.bin/npm"
        named = subprocess.run(
            [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"],
            cwd=FOLDER,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()[-1]
        with tarfile.open(FOLDER / named) as archive:
            archive.extractall(FOLDER, filter="data")
        (FOLDER / "complete").touch()
    (dist / "app-config.js").write_text(APP_CONFIG)
    return dist.resolve()


@contextmanager
def peer(env: dict[str, str], *, port: int) -> Iterator[str]:
    """Serve the peer on loopback while the block runs; yield its address.

    Args:
        env: Of the stack; says where the archive is.
        port: A free one.
    """
    dist = _fetch()
    archive = httpx.URL(env["ORTHANC_URL"])
    login = f"{env['ORTHANC_USER']}:{env['ORTHANC_PASSWORD']}"
    values = {
        "HERE": str(FOLDER.resolve()),
        "DIST": str(dist),
        "PORT": str(port),
        "ARCHIVE": f"{archive.host}:{archive.port}",
        "LOGIN": base64.b64encode(login.encode()).decode(),
    }
    text = NGINX
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    config = FOLDER / "nginx.conf"
    config.touch(mode=0o600)
    config.write_text(text)
    (FOLDER / "access.log").unlink(missing_ok=True)
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    server = subprocess.Popen([nginx, "-c", str(config.resolve())])
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url)
        yield url
    finally:
        server.terminate()
        server.wait(10)
        config.unlink()


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            if httpx.get(f"{url}/dicom-web/studies?limit=1").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit("The peer does not answer.")
