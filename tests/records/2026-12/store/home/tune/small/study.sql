BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'study');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'asked','"{\"version\":\"v7\",\"preset\":null,\"overrides\":[\"training.epochs=1\",\"training.warmup_epochs=0\",\"data.window=32\",\"data.stride=16\",\"data.validation_fraction=0.5\",\"data.stride=32\",\"model.channels=[4, 4]\"],\"data\":\"@PLACE@/data\",\"settings\":{\"classes\":[\"other\",\"social\",\"mating\",\"aggressive\"],\"actions.sniff\":\"social\",\"actions.sniffgenital\":\"social\",\"actions.sniffface\":\"social\",\"actions.sniffbody\":\"social\",\"actions.reciprocalsniff\":\"social\",\"actions.approach\":\"social\",\"actions.follow\":\"social\",\"actions.mount\":\"mating\",\"actions.intromit\":\"mating\",\"actions.attemptmount\":\"mating\",\"actions.ejaculate\":\"mating\",\"actions.attack\":\"aggressive\",\"actions.chase\":\"aggressive\",\"actions.chaseattack\":\"aggressive\",\"actions.dominance\":\"aggressive\",\"actions.defend\":\"aggressive\",\"actions.flinch\":\"aggressive\",\"actions.allogroom\":\"other\",\"actions.avoid\":\"other\",\"actions.biteobject\":\"other\",\"actions.climb\":\"other\",\"actions.dig\":\"other\",\"actions.disengage\":\"other\",\"actions.dominancegroom\":\"other\",\"actions.dominancemount\":\"other\",\"actions.escape\":\"other\",\"actions.exploreobject\":\"other\",\"actions.freeze\":\"other\",\"actions.genitalgroom\":\"other\",\"actions.huddle\":\"other\",\"actions.rear\":\"other\",\"actions.rest\":\"other\",\"actions.run\":\"other\",\"actions.selfgroom\":\"other\",\"actions.shepherd\":\"other\",\"actions.submit\":\"other\",\"actions.tussle\":\"other\",\"hardware.launcher\":\"local\",\"hardware.device\":\"auto\",\"hardware.gpu\":null,\"hardware.region\":null,\"hardware.cloud\":null,\"hardware.gpu_memory_gib\":null,\"hardware.memory_mib\":null,\"hardware.timeout_seconds\":null,\"hardware.app_name\":null,\"hardware.retries\":3,\"hardware.loader_workers\":0,\"data.source\":\"competition\",\"data.mice\":2,\"data.keypoints\":\"mars7\",\"data.frames_per_second\":33.3,\"data.window\":32,\"data.stride\":32,\"data.phase\":\"random\",\"data.validation_fraction\":0.5,\"data.split_seed\":42,\"data.validation_videos\":null,\"data.synthetic_videos\":20,\"data.synthetic_frames\":3000,\"features.inputs\":[\"contact\"],\"features.frame_gap\":1,\"features.interpolate_gap\":0,\"features.mask_channels\":false,\"features.units\":\"pixels\",\"features.rolling_window\":10,\"features.pca_components\":16,\"features.clip\":6.0,\"model.name\":\"tcn\",\"model.channels\":[4,4],\"model.kernel_size\":3,\"model.hidden_size\":256,\"model.layers\":null,\"model.heads\":8,\"model.feed_forward\":1024,\"training.epochs\":1,\"training.accumulation_steps\":1,\"training.min_learning_rate\":0.00001,\"training.warmup_epochs\":0,\"training.optimizer\":\"adamw\",\"training.gradient_clip\":1.0,\"training.scheduler\":\"cosine\",\"training.plateau_patience\":5,\"training.plateau_factor\":0.5,\"training.class_weights\":null,\"training.label_smoothing\":0.0,\"training.focal_gamma\":0.0,\"training.balanced_sampling\":0.0,\"training.mixup_alpha\":0.0,\"training.ema_decay\":0.0,\"training.early_stopping_patience\":null,\"training.monitor\":\"f1_macro\",\"training.save_every\":5,\"training.keep_last\":null,\"training.mixed_precision\":null,\"training.compile\":false,\"training.processes\":null,\"training.seed\":42,\"training.augmentation.noise_std\":0.0,\"training.augmentation.jitter_frames\":0},\"ranges\":{\"training.learning_rate\":{\"low\":0.00005,\"high\":0.005,\"log\":true,\"choices\":null},\"training.weight_decay\":{\"low\":1e-6,\"high\":0.01,\"log\":true,\"choices\":null},\"training.batch_size\":{\"low\":null,\"high\":null,\"log\":false,\"choices\":[8,16,32,64]},\"model.dropout\":{\"low\":0.0,\"high\":0.6,\"log\":false,\"choices\":null}},\"launcher\":\"local\"}"');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,1,1,1.25728077874411536818e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,2,1,0.117003367003367,'FINITE');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'training.learning_rate',0.002,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 5e-05, "high": 0.005, "log": true}}');
INSERT INTO "trial_params" VALUES(2,1,'training.weight_decay',0.01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 0.01, "log": true}}');
INSERT INTO "trial_params" VALUES(3,1,'training.batch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["8", "16", "32", "64"]}}');
INSERT INTO "trial_params" VALUES(4,1,'model.dropout',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.6, "log": false}}');
INSERT INTO "trial_params" VALUES(5,2,'training.learning_rate',2.80575820766725285339e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 5e-05, "high": 0.005, "log": true}}');
INSERT INTO "trial_params" VALUES(6,2,'training.weight_decay',6.35122101064070423981e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 0.01, "log": true}}');
INSERT INTO "trial_params" VALUES(7,2,'training.batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["8", "16", "32", "64"]}}');
INSERT INTO "trial_params" VALUES(8,2,'model.dropout',3.48501673009196724639e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.6, "log": false}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'fixed_params','{"training.learning_rate": 0.002, "training.weight_decay": 0.01, "training.batch_size": "16", "model.dropout": 0.3}');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'outside','{}');
INSERT INTO "trial_user_attributes" VALUES(2,1,'run','"v7-20261201T065310-rvbm"');
INSERT INTO "trial_user_attributes" VALUES(3,2,'run','"v7-20261201T065319-u8ip"');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,1.25728077874411536818e-01,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,0.117003367003367,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-12-01 06:53:10.691076','2026-12-01 06:53:19.226628');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-12-01 06:53:19.287555','2026-12-01 06:53:25.599710');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
