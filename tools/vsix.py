#!/usr/bin/env python3
"""Pack editors/vscode into a .vsix, which VS Code installs: `vsix.py [OUTPUT]`.

A .vsix is a zip of the extension and two descriptions. The same files make the same bytes.
"""

import json
import sys
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

ROOT = Path(__file__).resolve().parent.parent
EXTENSION = ROOT / "editors" / "vscode"
FILES = {
    "extension/package.json": EXTENSION / "package.json",
    "extension/extension.js": EXTENSION / "extension.js",
    "extension/README.md": EXTENSION / "README.md",
    "extension/LICENSE.txt": ROOT / "LICENSE",
}
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say

CONTENT_TYPES = """\
<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension=".json" ContentType="application/json"/>
  <Default Extension=".js" ContentType="application/javascript"/>
  <Default Extension=".md" ContentType="text/markdown"/>
  <Default Extension=".txt" ContentType="text/plain"/>
  <Default Extension=".vsixmanifest" ContentType="text/xml"/>
</Types>
"""

MANIFEST = """\
<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id={name} Version={version} Publisher={publisher}/>
    <DisplayName>{display_name}</DisplayName>
    <Description xml:space="preserve">{description}</Description>
    <Categories>{categories}</Categories>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value={engine}/>
    </Properties>
    <License>extension/LICENSE.txt</License>
  </Metadata>
  <Installation>
    <InstallationTarget Id="Microsoft.VisualStudio.Code"/>
  </Installation>
  <Dependencies/>
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Addressable="true"
           Path="extension/package.json"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.Details" Addressable="true"
           Path="extension/README.md"/>
  </Assets>
</PackageManifest>
"""


def manifest(package: dict) -> str:
    """Return the description a .vsix needs, made from the extension's own."""
    return MANIFEST.format(
        name=quoteattr(package["name"]),
        version=quoteattr(package["version"]),
        publisher=quoteattr(package["publisher"]),
        display_name=escape(package["displayName"]),
        description=escape(package["description"]),
        categories=escape(",".join(package["categories"])),
        engine=quoteattr(package["engines"]["vscode"]),
    )


def pack(output: Path) -> None:
    """Write the .vsix."""
    package = json.loads((EXTENSION / "package.json").read_text("utf-8"))
    parts = {
        "extension.vsixmanifest": manifest(package).encode(),
        "[Content_Types].xml": CONTENT_TYPES.encode(),
    }
    parts |= {name: path.read_bytes() for name, path in FILES.items()}
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name, LONG_AGO), data, zipfile.ZIP_DEFLATED)


def main() -> None:
    """Pack it, and say where it is."""
    default = ROOT / "dist" / "codetracer-python.vsix"
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    pack(output)
    print(output)


if __name__ == "__main__":
    main()
