"""What `lcbench audit` says of folders and splits: findings, tables, pictures, pages."""
