"""Write the published JSON Schema of the report: `python scripts/write_report_schema.py docs/report-v1.schema.json`."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from resolver.report.json_v1 import json_schema

Path(sys.argv[1]).write_text(json.dumps(json_schema(), indent=2) + "\n", "utf-8")
