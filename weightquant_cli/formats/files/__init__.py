"""Files and folders: read safely, written whole or not at all, flushed, hashed.

Reading: `InputFolder`, or `TarFolder` within a tar (opened once; files that change meanwhile are an
error). Writing: `Outputs` guards every path that a command writes, `FileOutput` writes a file and
`new_folder` a folder.

May import `errors`, `threads` and `formats.text`.
"""
